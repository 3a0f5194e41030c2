use super::*;
use crate::protocol::dovecot::MAX_LINE;
use proptest::prelude::*;

fn decode(bytes: &[u8]) -> Result<Command<'_>, FrameError> {
    let line = bytes.strip_suffix(b"\n").unwrap();
    assert!(!line.contains(&b'\n'));
    Command::parse(line)
}

fn id(number: u32) -> RequestId {
    RequestId::new(number).unwrap()
}

#[test]
fn what_postfix_and_exim_send() {
    assert_eq!(decode(b"VERSION\t1\t0\n"), Ok(Command::Version { minor: 0 }));
    assert_eq!(decode(b"CPID\t27709\n"), Ok(Command::ClientPid(27709)));
    let postfix =
        decode(b"AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=127.0.0.1\trip=127.0.0.1\tresp=AGpvZQBzZWNyZXQ=\n");
    let localhost = Some(IpAddr::from([127, 0, 0, 1]));
    let expected = AuthRequest {
        nologin: true,
        lip: localhost,
        rip: localhost,
        response: ResponseField::Value(b"AGpvZQBzZWNyZXQ="),
        ..AuthRequest::new(id(1), b"PLAIN", b"smtp")
    };
    assert_eq!(postfix, Ok(Command::Auth(expected.clone())));
    let exim = decode(
        b"AUTH\t1\tPLAIN\tservice=smtp\tsecured\trip=127.0.0.1\tlip=127.0.0.1\tnologin\tresp=AGpvZQBzZWNyZXQ=\n",
    );
    assert_eq!(exim, Ok(Command::Auth(AuthRequest { secured: true, ..expected })));
}

#[test]
fn odd_parameters_do_no_harm() {
    let Ok(Command::Auth(request)) = decode(
        b"AUTH\t4294967295\tplain\tprotocol=smtp\trip=\tlip=unknown\tsecured=tls\tlocal_name=mx\tfoo\t\tfinal-resp-ok\
          \tvalid-client-cert\tcert_username=a\x01tb\tno-penalty\n",
    ) else {
        panic!()
    };
    let expected = AuthRequest {
        secured: true,
        final_resp_ok: true,
        valid_client_cert: true,
        no_penalty: true,
        cert_username: Some(Cow::Borrowed(b"a\tb")),
        ..AuthRequest::new(id(u32::MAX), b"plain", b"smtp")
    };
    assert_eq!(request, expected);
}

#[test]
fn absent_empty_and_present_by_minor_version() {
    let response = |field: &'static [u8]| match decode(field) {
        Ok(Command::Auth(request)) => request.response,
        other => panic!("{other:?}"),
    };
    for (line, old, new) in [
        (&b"AUTH\t1\tX\tservice=s\n"[..], None, None),
        (b"AUTH\t1\tX\tservice=s\tresp=\n", None, Some(&b""[..])),
        (b"AUTH\t1\tX\tservice=s\tresp\n", None, Some(b"")),
        (b"AUTH\t1\tX\tservice=s\tresp==\n", Some(&b""[..]), Some(b"")),
        (b"AUTH\t1\tX\tservice=s\tresp=AAA=\n", Some(b"AAA="), Some(b"AAA=")),
    ] {
        for minor in [0, 1] {
            assert_eq!(response(line).initial(minor), old, "{line:?} {minor}");
        }
        for minor in [2, 3, 99] {
            assert_eq!(response(line).initial(minor), new, "{line:?} {minor}");
        }
    }
}

#[test]
fn what_dovecot_closes_the_connection_for() {
    for (line, breach) in [
        (&b"\n"[..], Breach::UnknownCommand),
        (b"AUT\t1\n", Breach::UnknownCommand),
        (b"auth\t1\tPLAIN\tservice=smtp\n", Breach::UnknownCommand),
        (b"VERSION\t2\t0\n", Breach::Version),
        (b"VERSION\t1\n", Breach::Version),
        (b"VERSION\n", Breach::Version),
        (b"CPID\t0\n", Breach::BadPid),
        (b"CPID\tx\n", Breach::BadPid),
        (b"CPID\n", Breach::BadPid),
        (b"AUTH\n", Breach::BadId),
        (b"AUTH\t0\tPLAIN\tservice=smtp\n", Breach::BadId),
        (b"AUTH\t4294967296\tPLAIN\tservice=smtp\n", Breach::BadId),
        (b"AUTH\tx\tPLAIN\tservice=smtp\n", Breach::BadId),
        (b"AUTH\t1\n", Breach::FieldMissing),
        (b"AUTH\t1\t\tservice=smtp\n", Breach::FieldMissing),
        (b"AUTH\t1\tPLAIN\tsecured\n", Breach::FieldMissing),
        (b"AUTH\t1\tPLAIN\tservice=smtp\tresp=AAA=\tsecured\n", Breach::AfterResponse),
        (b"CONT\t1\n", Breach::FieldMissing),
        (b"CONT\t0\tAAA=\n", Breach::BadId),
        (b"CANCEL\n", Breach::BadId),
    ] {
        assert_eq!(decode(line), Err(FrameError::Connection(breach)), "{}", String::from_utf8_lossy(line));
    }
    let extra = FrameError::Request { id: id(3), fault: RequestFault::ExtraField };
    assert_eq!(decode(b"CONT\t3\tAAA=\tx\n"), Err(extra));
    assert_eq!(decode(b"VERSION\t1\t99\n"), Ok(Command::Version { minor: 99 }));
}

#[test]
fn commands_are_taken_one_by_one() {
    let mut decoder = CommandDecoder::default();
    let mut input = &b"VERSION\t1\t0\r\nCPID\t7\nCONT\t1\t"[..];
    assert_eq!(decoder.take(&mut input), Some(Ok(Command::Version { minor: 0 })));
    assert_eq!(decoder.take(&mut input), Some(Ok(Command::ClientPid(7))));
    assert_eq!(decoder.take(&mut input), None);
    let mut input = &b"QUIT\nCANCEL\t1\n"[..];
    assert_eq!(decoder.take(&mut input), Some(Ok(Command::Continue { id: id(1), data: b"QUIT" })));
    assert_eq!(decoder.take(&mut input), Some(Ok(Command::Cancel(id(1)))));
    assert_eq!(decoder.take(&mut input), None);
    let long = vec![b'x'; MAX_LINE];
    assert_eq!(decoder.take(&mut &long[..]), Some(Err(FrameError::Connection(Breach::LineTooLong))));
}

fn requests() -> impl Strategy<Value = AuthRequest<'static>> {
    let text = || proptest::collection::vec(any::<u8>(), 0..20);
    let flags = any::<[bool; 5]>();
    let addresses = any::<[Option<IpAddr>; 2]>();
    (1u32.., proptest::collection::vec(any::<u8>(), 1..20), text(), flags, proptest::option::of(text()), addresses)
        .prop_map(|(number, mechanism, service, flags, cert_username, [rip, lip])| AuthRequest {
            id: id(number),
            mechanism: mechanism.into(),
            service: service.into(),
            nologin: flags[0],
            secured: flags[1],
            valid_client_cert: flags[2],
            cert_username: cert_username.map(Cow::Owned),
            no_penalty: flags[3],
            final_resp_ok: flags[4],
            rip,
            lip,
            response: ResponseField::Value(b"AAA="),
        })
}

proptest! {
    #[test]
    fn requests_round_trip(request in requests()) {
        let command = Command::Auth(request);
        let mut out = Vec::new();
        command.encode(&mut out);
        prop_assert_eq!(decode(&out), Ok(command));
    }

    #[test]
    fn other_commands_round_trip(number in 1u32.., minor: u32, data in "[A-Za-z0-9+/]*") {
        let id = id(number);
        let data = data.as_bytes();
        for command in
            [Command::Version { minor }, Command::ClientPid(number), Command::Continue { id, data }, Command::Cancel(id)]
        {
            let mut out = Vec::new();
            command.encode(&mut out);
            prop_assert_eq!(decode(&out), Ok(command));
        }
    }

    #[test]
    fn any_bytes_are_commands_or_faults(bytes: Vec<u8>) {
        let mut decoder = CommandDecoder::default();
        let mut rest = &bytes[..];
        while decoder.take(&mut rest).is_some() {}
    }

    #[test]
    fn fields_in_any_arrangement_are_commands_or_faults(fields in proptest::collection::vec(
        prop_oneof![Just("AUTH"), Just("CONT"), Just("CANCEL"), Just("1"), Just("0"), Just("PLAIN"), Just("service=x"),
            Just("resp="), Just("resp"), Just("secured"), Just("\x01"), Just("\n"), Just("")], 0..12)
    ) {
        let bytes = fields.join("\t");
        let mut decoder = CommandDecoder::default();
        let mut rest = bytes.as_bytes();
        while decoder.take(&mut rest).is_some() {}
    }
}
