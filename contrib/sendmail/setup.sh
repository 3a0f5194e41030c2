m4 /etc/mail/sendmail.mc >/etc/mail/sendmail.cf
/etc/init.d/sendmail restart
