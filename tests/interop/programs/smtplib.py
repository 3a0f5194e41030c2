# Sends the message on standard input through Python's smtplib.
# usage: MECHANISM USER PASSWORD CA-FILE|"" SERVER SENDER RECIPIENT
import smtplib
import ssl
import sys

mechanism, user, password, authority, server, sender, recipient = sys.argv[1:]
with smtplib.SMTP(server, 25, local_hostname="client.example.org") as smtp:
    smtp.set_debuglevel(1)
    if authority:
        smtp.starttls(context=ssl.create_default_context(cafile=authority))
    smtp.ehlo()
    smtp.user, smtp.password = user, password
    # What login() does, without its choice among what the server offers.
    smtp.auth(mechanism, getattr(smtp, "auth_" + mechanism.lower().replace("-", "_")))
    smtp.sendmail(sender, [recipient], sys.stdin.buffer.read())
