//! The entry points, called as libsasl2 calls them.
#![allow(unsafe_code)]

use core::mem::zeroed;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread;

use super::*;
use abi::PropertyValue;

#[test]
fn a_panic_stays_inside_and_is_no_verdict() {
    assert_eq!(guarded(|| panic!("not meant to happen")), SASL_UNAVAIL);
    assert_eq!(guarded(|| SASL_NOUSER), SASL_NOUSER);
}

/// The properties of a program that is a list of them.
unsafe extern "C" fn properties_of(context: *mut PropertyContext) -> *const PropertyValue {
    context.cast_const().cast()
}

/// A mechanism wants this one; it has no value yet.
fn wanted(name: &core::ffi::CStr) -> [PropertyValue; 2] {
    let property = |name| PropertyValue { name, values: ptr::null(), nvalues: 0, valsize: 0 };
    [property(name.as_ptr()), property(ptr::null())]
}

/// A socket on which every request gets the answer "none".
struct Helper {
    path: PathBuf,
    listener: UnixListener,
}

impl Helper {
    fn listen(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sasldb-rs-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        Self { path, listener }
    }

    /// The name in the next request.
    fn asked(&self) -> Vec<u8> {
        let (mut stream, _) = self.listener.accept().unwrap();
        let mut request = [0; 512];
        let read = stream.read(&mut request).unwrap();
        stream.write_all(Answer::of(Vec::new()).encode().expose()).unwrap();
        Request::parse(&request[..read]).unwrap().unwrap().name.to_vec()
    }

    fn loaded(&self) -> Loaded {
        let paths = vec![self.path.to_str().unwrap().to_owned()];
        let own = nix::unistd::getuid().as_raw();
        let settings = Settings { sockets: paths.clone(), stores: paths, asked_for: true, helper: Some(own) };
        // SAFETY: no function and no pointer is a legal value of each member.
        Loaded { plug: unsafe { zeroed() }, settings }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// What `look_up` says of `user`.
fn look_up_for(helper: &Helper, flags: c_uint, user: &str) -> c_int {
    let (mut loaded, mut properties) = (helper.loaded(), wanted(c"*cmusaslsecretCRAM-MD5"));
    // SAFETY: likewise.
    let mut utils: Utils = unsafe { zeroed() };
    utils.prop_get = Some(properties_of);
    // SAFETY: likewise.
    let mut params: ServerParams = unsafe { zeroed() };
    (params.utils, params.propctx) = (&utils, properties.as_mut_ptr().cast());
    let context = ptr::from_mut(&mut loaded).cast();
    let length = c_uint::try_from(user.len()).unwrap();
    // SAFETY: all of it lives until the call returns.
    unsafe { look_up(context, &mut params, flags, user.as_ptr().cast(), length) }
}

/// Were it looked up, the secrets of one user would stand where those of another are wanted: with `*` before its name a property
/// is the authenticating user's.
#[test]
fn somebody_to_act_for_is_never_looked_up() {
    let helper = Helper::listen("authzid");
    thread::scope(|scope| {
        let asked = scope.spawn(|| helper.asked());
        for flags in [AUTHZID, AUTHZID | abi::OVERRIDE] {
            assert_eq!(look_up_for(&helper, flags, "bob"), SASL_OK);
        }
        assert_eq!(look_up_for(&helper, 0, "alice"), SASL_NOUSER);
        assert_eq!(asked.join().unwrap(), b"alice", "the first to be asked for");
    });
}

#[test]
fn who_did_not_ask_for_the_plugin_is_not_hindered_by_it() {
    let helper = Helper::listen("store");
    let mut loaded = helper.loaded();
    let mut probe = |asked_for| {
        loaded.settings.asked_for = asked_for;
        // SAFETY: libsasl2 probes in this way.
        unsafe { store_properties(ptr::from_mut(&mut loaded).cast(), ptr::null_mut(), ptr::null_mut(), ptr::null(), 0) }
    };
    assert_eq!((probe(true), probe(false)), (SASL_OK, SASL_CONSTRAINT_VIOLAT));
}
