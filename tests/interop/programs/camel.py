# Sends the message on standard input through Camel, the mail library of Evolution. Camel trusts the authorities of the
# system.
# usage: MECHANISM USER PASSWORD CA-FILE|"" SERVER SENDER RECIPIENT
import sys
import tempfile

import gi

gi.require_version("Camel", "1.2")
from gi.repository import Camel, Gio, GLib

mechanism, user, password, authority, server, sender, recipient = sys.argv[1:]


class Session(Camel.Session):
    def do_authenticate_sync(self, service, mechanism, cancellable):
        result = service.authenticate_sync(mechanism, cancellable)
        if result != Camel.AuthenticationResult.ACCEPTED:
            raise GLib.Error("login refused: " + result.value_nick)
        return True


def address(text):
    address = Camel.InternetAddress.new()
    address.add("", text)
    return address


folder = tempfile.mkdtemp()
Camel.init(folder, False)
Camel.Provider.init()
session = Session(user_data_dir=folder, user_cache_dir=folder)
session.set_online(True)
service = session.add_service("smtp", "smtp", Camel.ProviderType.TRANSPORT)
settings = service.ref_settings()
settings.set_host(server)
settings.set_port(25)
settings.set_user(user)
settings.set_auth_mechanism(mechanism)
settings.set_security_method(
    Camel.NetworkSecurityMethod.STARTTLS_ON_STANDARD_PORT if authority else Camel.NetworkSecurityMethod.NONE
)
service.set_password(password)
service.connect_sync(None)
message = Camel.MimeMessage.new()
message.construct_from_stream_sync(Camel.StreamMem.new_with_buffer(sys.stdin.buffer.read()), None)
service.send_to_sync(message, address(sender), address(recipient), None)
print("sent")
service.disconnect_sync(True, None)
