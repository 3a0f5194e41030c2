// Sends a message through nodemailer.
// usage: MECHANISM USER PASSWORD CA-FILE|"" SERVER SENDER RECIPIENT SUBJECT
const fs = require('fs');
const nodemailer = require('nodemailer');

const [mechanism, user, pass, authority, server, from, to, subject] = process.argv.slice(1);
const transport = nodemailer.createTransport({
    // The address, because nodemailer looks up no name on a machine that has its loopback only.
    host: '192.0.2.1',
    port: 25,
    name: 'client.example.org',
    requireTLS: authority !== '',
    ignoreTLS: authority === '',
    tls: authority === '' ? {} : { ca: fs.readFileSync(authority), servername: server },
    auth: { user, pass },
    authMethod: mechanism,
    connectionTimeout: 300000,
    greetingTimeout: 300000,
    logger: true,
    debug: true,
});
transport.sendMail({ from, to, subject, text: 'Hello.' }).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
});
