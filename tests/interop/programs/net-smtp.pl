# Sends the message on standard input through Perl's Net::SMTP and Authen::SASL.
# usage: MECHANISM USER PASSWORD CA-FILE|"" SERVER SENDER RECIPIENT
use strict;
use warnings;
use Authen::SASL qw(Perl);
use Net::SMTP;

my ($mechanism, $user, $password, $authority, $server, $sender, $recipient) = @ARGV;
my $smtp = Net::SMTP->new($server, Hello => 'client.example.org', Timeout => 300, Debug => 1) or die "no connection: $@\n";
if ($authority) {
    $smtp->starttls(SSL_ca_file => $authority) or die "no TLS: $@\n";
}
# As auth(USER, PASSWORD) makes it, but for the mechanism.
my $sasl = Authen::SASL->new(mechanism => $mechanism, callback => {user => $user, pass => $password, authname => $user});
$smtp->auth($sasl) or die 'login: ', $smtp->code, ' ', $smtp->message;
$smtp->mail($sender) && $smtp->to($recipient) && $smtp->data([<STDIN>]) or die 'mail: ', $smtp->code, ' ', $smtp->message;
$smtp->quit;
