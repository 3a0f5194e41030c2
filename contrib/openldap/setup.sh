ldapmodify -Q -Y EXTERNAL -H ldapi:/// -f /etc/ldap/sasl.ldif
/etc/init.d/slapd restart
