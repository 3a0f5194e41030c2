//! The types of libsasl2's plugin interface (`saslplug.h`, `prop.h`, version 2.1.28), as far as they are used here. What is not
//! used keeps its place as a gap. `layout.txt` holds where each member is; the tests hold it against these types and against
//! Debian's headers.

use core::ffi::{c_char, c_int, c_uint, c_void};

pub(crate) const SASL_OK: c_int = 0;
pub(crate) const SASL_FAIL: c_int = -1;
pub(crate) const SASL_NOMECH: c_int = -4;
pub(crate) const SASL_BADPARAM: c_int = -7;
pub(crate) const SASL_NOAUTHZ: c_int = -14;
pub(crate) const SASL_NOUSER: c_int = -20;
pub(crate) const SASL_BADVERS: c_int = -23;
pub(crate) const SASL_UNAVAIL: c_int = -24;
pub(crate) const SASL_CONSTRAINT_VIOLAT: c_int = -30;

/// `SASL_LOG_ERR`.
pub(crate) const LOG_ERR: c_int = 1;

/// `SASL_AUXPROP_PLUG_VERSION`.
pub(crate) const PLUG_VERSION: c_int = 8;

/// `SASL_AUXPROP_OVERRIDE`: values that are there already are to be replaced.
pub(crate) const OVERRIDE: c_uint = 0x01;

/// `SASL_AUXPROP_AUTHZID`: the look-up is for the authorization identity.
pub(crate) const AUTHZID: c_uint = 0x02;

/// A member that is not used.
pub(crate) type Gap<const N: usize> = [*const c_void; N];

/// `struct propctx`, which only libsasl2 looks into.
#[repr(C)]
pub(crate) struct PropertyContext {
    _opaque: [u8; 0],
}

/// `struct propval`.
#[repr(C)]
pub(crate) struct PropertyValue {
    pub(crate) name: *const c_char,
    pub(crate) values: *const *const c_char,
    pub(crate) nvalues: c_uint,
    pub(crate) valsize: c_uint,
}

pub(crate) type GetOption = unsafe extern "C" fn(
    context: *mut c_void,
    plugin_name: *const c_char,
    option: *const c_char,
    result: *mut *const c_char,
    length: *mut c_uint,
) -> c_int;

pub(crate) type LogMessage = unsafe extern "C" fn(connection: *mut c_void, level: c_int, format: *const c_char, ...);

pub(crate) type PropertyGet = unsafe extern "C" fn(context: *mut PropertyContext) -> *const PropertyValue;

pub(crate) type PropertySet = unsafe extern "C" fn(
    context: *mut PropertyContext,
    name: *const c_char,
    value: *const c_char,
    length: c_int,
) -> c_int;

pub(crate) type PropertyErase = unsafe extern "C" fn(context: *mut PropertyContext, name: *const c_char);

/// `sasl_utils_t`.
#[repr(C)]
pub(crate) struct Utils {
    pub(crate) version: c_int,
    pub(crate) conn: *mut c_void,
    pub(crate) rpool: *mut c_void,
    pub(crate) getopt_context: *mut c_void,
    pub(crate) getopt: Option<GetOption>,
    pub(crate) memory_to_getcallback: Gap<27>,
    pub(crate) log: Option<LogMessage>,
    pub(crate) seterror_to_prop_request: Gap<5>,
    pub(crate) prop_get: Option<PropertyGet>,
    pub(crate) prop_getnames_to_prop_format: Gap<4>,
    pub(crate) prop_set: Option<PropertySet>,
    pub(crate) prop_setvals: Gap<1>,
    pub(crate) prop_erase: Option<PropertyErase>,
    pub(crate) auxprop_store_and_spares: Gap<3>,
}

/// `sasl_server_params_t`, up to the last member that is used.
#[repr(C)]
pub(crate) struct ServerParams {
    pub(crate) service: *const c_char,
    pub(crate) appname: *const c_char,
    pub(crate) server_fqdn: *const c_char,
    pub(crate) user_realm: *const c_char,
    pub(crate) addresses: Gap<2>,
    pub(crate) lengths: [c_uint; 6],
    pub(crate) log_level: c_int,
    pub(crate) utils: *const Utils,
    pub(crate) callbacks_to_canon_user: [*const c_void; 8],
    pub(crate) propctx: *mut PropertyContext,
}

pub(crate) type Free = unsafe extern "C" fn(context: *mut c_void, utils: *const Utils);

pub(crate) type Lookup = unsafe extern "C" fn(
    context: *mut c_void,
    params: *mut ServerParams,
    flags: c_uint,
    user: *const c_char,
    length: c_uint,
) -> c_int;

pub(crate) type Store = unsafe extern "C" fn(
    context: *mut c_void,
    params: *mut ServerParams,
    properties: *mut PropertyContext,
    user: *const c_char,
    length: c_uint,
) -> c_int;

/// `sasl_auxprop_plug_t`.
#[repr(C)]
pub(crate) struct Plug {
    pub(crate) features: c_int,
    pub(crate) spare_int1: c_int,
    pub(crate) glob_context: *mut c_void,
    pub(crate) auxprop_free: Option<Free>,
    pub(crate) auxprop_lookup: Option<Lookup>,
    pub(crate) name: *const c_char,
    pub(crate) auxprop_store: Option<Store>,
}

#[cfg(test)]
mod tests {
    use core::mem::{offset_of, size_of};

    use super::*;

    macro_rules! places {
        ($($c:literal $theirs:literal = $ours:ident.$member:ident;)*) => {
            [$((concat!($c, " ", $theirs), offset_of!($ours, $member))),*]
        };
    }

    #[test]
    fn members_are_where_the_headers_have_them() {
        let places = places! {
            "struct propval" "name" = PropertyValue.name;
            "struct propval" "values" = PropertyValue.values;
            "struct propval" "nvalues" = PropertyValue.nvalues;
            "struct propval" "valsize" = PropertyValue.valsize;
            "sasl_utils_t" "version" = Utils.version;
            "sasl_utils_t" "conn" = Utils.conn;
            "sasl_utils_t" "rpool" = Utils.rpool;
            "sasl_utils_t" "getopt_context" = Utils.getopt_context;
            "sasl_utils_t" "getopt" = Utils.getopt;
            "sasl_utils_t" "malloc" = Utils.memory_to_getcallback;
            "sasl_utils_t" "log" = Utils.log;
            "sasl_utils_t" "seterror" = Utils.seterror_to_prop_request;
            "sasl_utils_t" "prop_get" = Utils.prop_get;
            "sasl_utils_t" "prop_getnames" = Utils.prop_getnames_to_prop_format;
            "sasl_utils_t" "prop_set" = Utils.prop_set;
            "sasl_utils_t" "prop_setvals" = Utils.prop_setvals;
            "sasl_utils_t" "prop_erase" = Utils.prop_erase;
            "sasl_utils_t" "auxprop_store" = Utils.auxprop_store_and_spares;
            "sasl_server_params_t" "service" = ServerParams.service;
            "sasl_server_params_t" "appname" = ServerParams.appname;
            "sasl_server_params_t" "serverFQDN" = ServerParams.server_fqdn;
            "sasl_server_params_t" "user_realm" = ServerParams.user_realm;
            "sasl_server_params_t" "iplocalport" = ServerParams.addresses;
            "sasl_server_params_t" "servicelen" = ServerParams.lengths;
            "sasl_server_params_t" "log_level" = ServerParams.log_level;
            "sasl_server_params_t" "utils" = ServerParams.utils;
            "sasl_server_params_t" "callbacks" = ServerParams.callbacks_to_canon_user;
            "sasl_server_params_t" "propctx" = ServerParams.propctx;
            "sasl_auxprop_plug_t" "features" = Plug.features;
            "sasl_auxprop_plug_t" "spare_int1" = Plug.spare_int1;
            "sasl_auxprop_plug_t" "glob_context" = Plug.glob_context;
            "sasl_auxprop_plug_t" "auxprop_free" = Plug.auxprop_free;
            "sasl_auxprop_plug_t" "auxprop_lookup" = Plug.auxprop_lookup;
            "sasl_auxprop_plug_t" "name" = Plug.name;
            "sasl_auxprop_plug_t" "auxprop_store" = Plug.auxprop_store;
        };
        let sizes = [
            ("struct propval", size_of::<PropertyValue>()),
            ("sasl_utils_t", size_of::<Utils>()),
            ("sasl_auxprop_plug_t", size_of::<Plug>()),
        ];
        let constants = [
            ("SASL_OK", i64::from(SASL_OK)),
            ("SASL_FAIL", i64::from(SASL_FAIL)),
            ("SASL_NOMECH", i64::from(SASL_NOMECH)),
            ("SASL_BADPARAM", i64::from(SASL_BADPARAM)),
            ("SASL_NOAUTHZ", i64::from(SASL_NOAUTHZ)),
            ("SASL_NOUSER", i64::from(SASL_NOUSER)),
            ("SASL_BADVERS", i64::from(SASL_BADVERS)),
            ("SASL_UNAVAIL", i64::from(SASL_UNAVAIL)),
            ("SASL_CONSTRAINT_VIOLAT", i64::from(SASL_CONSTRAINT_VIOLAT)),
            ("SASL_LOG_ERR", i64::from(LOG_ERR)),
            ("SASL_AUXPROP_PLUG_VERSION", i64::from(PLUG_VERSION)),
            ("SASL_AUXPROP_OVERRIDE", i64::from(OVERRIDE)),
            ("SASL_AUXPROP_AUTHZID", i64::from(AUTHZID)),
        ];
        let mut made = String::new();
        places.iter().for_each(|(member, offset)| made += &format!("offset {member} {offset}\n"));
        sizes.iter().for_each(|(theirs, size)| made += &format!("size {theirs} {size}\n"));
        constants.iter().for_each(|(name, value)| made += &format!("constant {name} {value}\n"));
        assert_eq!(made, include_str!("../layout.txt"), "see the header of this file");
    }
}
