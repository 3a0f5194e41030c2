//! `libsasldb_rs.so`: gives programs that use libsasl2 the stored forms of passwords that DIGEST-MD5, CRAM-MD5 and SCRAM can work
//! with, by asking the helper on its lookup socket; and passes on what saslpasswd2 and others set, to its store socket.
//!
//! It is a guest: no thread, no signal handler, no descriptor that outlives a call, no panic that gets out, no more than three
//! seconds of anybody's time. It holds no accounts; what it learns it hands to libsasl2 and wipes.

mod abi;
mod helper;
mod host;
#[allow(dead_code, unreachable_pub, unused_imports)] // The helper's half of it, and public there.
#[path = "../../src/protocol/lookup/mod.rs"]
mod lookup;
mod property;
#[allow(dead_code, unreachable_pub)] // What the helper needs besides.
#[path = "../../src/secret.rs"]
mod secret;
mod settings;
#[allow(dead_code, unreachable_pub)] // The helper's half of it, and public there.
#[path = "../../src/protocol/store/mod.rs"]
mod store;

use core::ffi::{c_char, c_int, c_uint, c_void};
use core::ptr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use abi::{
    AUTHZID, PLUG_VERSION, Plug, PropertyContext, SASL_BADPARAM, SASL_BADVERS, SASL_CONSTRAINT_VIOLAT, SASL_NOAUTHZ,
    SASL_NOMECH, SASL_NOUSER, SASL_OK, SASL_UNAVAIL, ServerParams, Utils,
};
use host::{Host, Library};
use lookup::{Answer, Forms, MAX_TEXT, Request};
use settings::Settings;
use store::{StoreAnswer, StoreRequest};

/// What libsasl2 holds of this plugin from loading to freeing it.
#[repr(C)]
struct Loaded {
    plug: Plug,
    settings: Settings,
}

/// The entry point: libsasl2 calls it after loading the file, and may do so again.
///
/// # Safety
/// Called by libsasl2, with what its plugin interface promises.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
unsafe extern "C" fn sasl_auxprop_plug_init(
    utils: *const Utils,
    max_version: c_int,
    out_version: *mut c_int,
    plug: *mut *mut Plug,
    _plugname: *const c_char,
) -> c_int {
    // Where the program has its standard error a client may be listening. The standard library in this file is its own copy: the
    // hook is for panics in here only.
    std::panic::set_hook(Box::new(|_| ()));
    guarded(|| {
        // SAFETY: libsasl2's own functions, which outlive its plugins.
        let library = unsafe { Library::of(utils) };
        // SAFETY: a place for what this function returns, or null.
        let out_version = unsafe { out_version.as_mut() };
        // SAFETY: likewise.
        let plug = unsafe { plug.as_mut() };
        let (Some(library), Some(out_version), Some(plug)) = (library, out_version, plug) else {
            return SASL_BADPARAM;
        };
        if max_version < PLUG_VERSION {
            return SASL_BADVERS;
        }
        *out_version = PLUG_VERSION;
        *plug = load(library);
        SASL_OK
    })
}

fn load(library: Library<'_>) -> *mut Plug {
    let [socket, store, user] =
        [c"sasldb_rs_socket", c"sasldb_rs_store", c"sasldb_rs_user"].map(|name| library.option(name));
    let is_named = library.option(c"auxprop_plugin").is_some();
    let (settings, faults) = Settings::read(socket.as_deref(), store.as_deref(), user.as_deref(), is_named);
    faults.iter().for_each(|fault| library.complain(fault));
    let plug = Plug {
        features: 0,
        spare_int1: 0,
        glob_context: ptr::null_mut(),
        auxprop_free: Some(free),
        auxprop_lookup: Some(look_up),
        name: c"sasldb_rs".as_ptr(),
        auxprop_store: Some(store_properties),
    };
    let loaded = Box::leak(Box::new(Loaded { plug, settings }));
    let context: *mut Loaded = loaded;
    loaded.plug.glob_context = context.cast();
    // `plug` is the first member.
    context.cast()
}

/// `auxprop_free`: libsasl2 lets go of the plugin.
#[allow(unsafe_code)]
unsafe extern "C" fn free(context: *mut c_void, _utils: *const Utils) {
    guarded(|| {
        if !context.is_null() {
            // SAFETY: the context is what `load` made, and libsasl2 gives it back once.
            drop(unsafe { Box::from_raw(context.cast::<Loaded>()) });
        }
        SASL_OK
    });
}

/// `auxprop_lookup`: somebody is about to authenticate.
#[allow(unsafe_code)]
unsafe extern "C" fn look_up(
    context: *mut c_void,
    params: *mut ServerParams,
    flags: c_uint,
    user: *const c_char,
    length: c_uint,
) -> c_int {
    guarded(|| {
        // SAFETY: the context is what `load` made; it is only read, by however many threads.
        let loaded = unsafe { context.cast::<Loaded>().cast_const().as_ref() };
        // SAFETY: the parameters of the connection that libsasl2 is working on.
        let host = unsafe { Host::of(params) };
        let (Some(loaded), Some(host), Ok(length)) = (loaded, host, usize::try_from(length)) else {
            return SASL_BADPARAM;
        };
        if user.is_null() {
            return SASL_BADPARAM;
        }
        // SAFETY: so many bytes are the user's name.
        let user = unsafe { core::slice::from_raw_parts(user.cast::<u8>(), length) };
        answer(&loaded.settings, &host, flags, user)
    })
}

/// One look-up, from the question of libsasl2 to one of its results.
fn answer(settings: &Settings, host: &Host<'_>, flags: c_uint, user: &[u8]) -> c_int {
    // Where the program names no plugins, libsasl2 asks all that are installed, and a helper that is away would stop the others.
    if !settings.asked_for && host.library.option(c"auxprop_plugin").is_none() {
        return SASL_NOMECH;
    }
    let wanted = host.wanted(flags);
    // Nothing is ever told of whom somebody wants to act for, and that nobody has that name is no failure of a login.
    if flags & AUTHZID != 0 || wanted.is_empty() {
        return SASL_OK;
    }
    let name = property::as_typed(user, host.realm());
    if name.is_empty() || name.len() > MAX_TEXT {
        return SASL_NOUSER;
    }
    let forms = wanted.iter().fold(Forms::NONE, |forms, property| forms.union(property.forms));
    let request = Request { wanted: forms, name, realm: host.realm(), host: host.name(), service: host.service() };
    match helper::ask(settings, &settings.sockets, &request) {
        Ok(Answer::Found(properties)) => {
            host.clear(&wanted);
            for property in &properties {
                for asked in wanted.iter().filter(|asked| asked.forms.contains(property.form())) {
                    let result = host.give(asked, property.value().expose());
                    if result != SASL_OK {
                        return result;
                    }
                }
            }
            SASL_OK
        }
        Ok(Answer::None) => SASL_NOUSER,
        Ok(Answer::Unavailable) => SASL_UNAVAIL,
        Err(away) => {
            host.library.complain(&away);
            SASL_UNAVAIL
        }
    }
}

/// `auxprop_store`: an account is to be changed, or libsasl2 wants to know whether that could be.
#[allow(unsafe_code)]
unsafe extern "C" fn store_properties(
    context: *mut c_void,
    params: *mut ServerParams,
    properties: *mut PropertyContext,
    user: *const c_char,
    length: c_uint,
) -> c_int {
    guarded(|| {
        // SAFETY: the context is what `load` made; it is only read, by however many threads.
        let Some(loaded) = (unsafe { context.cast::<Loaded>().cast_const().as_ref() }) else { return SASL_BADPARAM };
        // Where this plugin was not asked for others are to go on, and where there is no other, this has to fail.
        if !loaded.settings.asked_for {
            return SASL_CONSTRAINT_VIOLAT;
        }
        // Whether the helper can be reached is told when there is something to change: then the reason gets out.
        if properties.is_null() {
            return SASL_OK;
        }
        // SAFETY: the parameters of the connection that libsasl2 is working on.
        let host = unsafe { Host::of(params) };
        let (Some(host), Ok(length)) = (host, usize::try_from(length)) else { return SASL_BADPARAM };
        if user.is_null() {
            return SASL_BADPARAM;
        }
        // SAFETY: so many bytes are the user's name.
        let user = unsafe { core::slice::from_raw_parts(user.cast::<u8>(), length) };
        change(&loaded.settings, &host, properties, user)
    })
}

/// One change, from the properties of libsasl2 to one of its results.
fn change(settings: &Settings, host: &Host<'_>, properties: *mut PropertyContext, user: &[u8]) -> c_int {
    let Some(wish) = host.wish(properties) else { return SASL_OK };
    let request = StoreRequest { name: user, realm: host.realm(), wish };
    match helper::ask(settings, &settings.stores, &request) {
        Ok(StoreAnswer::Done) => SASL_OK,
        Ok(StoreAnswer::Refused(reason)) => {
            host.library.complain(&reason);
            SASL_BADPARAM
        }
        Ok(StoreAnswer::NotPermitted) => {
            host.library.complain(&"this user is not among those who may change accounts");
            SASL_NOAUTHZ
        }
        Ok(StoreAnswer::Unavailable(reason)) => {
            host.library.complain(&reason);
            SASL_UNAVAIL
        }
        Err(away) => {
            host.library.complain(&away);
            SASL_UNAVAIL
        }
    }
}

/// Keeps a panic, which nothing here should raise, from the program: it is a fault of ours, and so the answer is unavailable.
fn guarded(entry: impl FnOnce() -> c_int) -> c_int {
    catch_unwind(AssertUnwindSafe(entry)).unwrap_or_else(|panic| {
        // It might panic when dropped.
        core::mem::forget(panic);
        SASL_UNAVAIL
    })
}

#[cfg(test)]
mod tests;
