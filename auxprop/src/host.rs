//! libsasl2 as this plugin sees it for the length of one call: what it says, and the functions it gives.
#![allow(unsafe_code)]

use core::ffi::{CStr, c_char, c_int, c_uint};
use core::ptr;
use std::ffi::CString;

use crate::abi::{LOG_ERR, OVERRIDE, PropertyContext, PropertyValue, SASL_FAIL, ServerParams, Utils};
use crate::lookup::Forms;
use crate::property::forms_of;
use crate::store::Wish;

/// The functions of libsasl2.
#[derive(Clone, Copy)]
pub(crate) struct Library<'a>(&'a Utils);

impl<'a> Library<'a> {
    /// # Safety
    /// `utils` is null, or points to what libsasl2 made, which stays as it is for `'a`.
    pub(crate) unsafe fn of(utils: *const Utils) -> Option<Self> {
        // SAFETY: as the caller promises.
        unsafe { utils.as_ref() }.map(Self)
    }

    /// The value of an option in the configuration of the program, where it has one.
    pub(crate) fn option(self, name: &CStr) -> Option<String> {
        let get = self.0.getopt?;
        let mut value = ptr::null();
        // SAFETY: the function and its context belong together, the name ends in NUL, and no length is asked for.
        let result = unsafe { get(self.0.getopt_context, ptr::null(), name.as_ptr(), &mut value, ptr::null_mut()) };
        if result != 0 || value.is_null() {
            return None;
        }
        // SAFETY: libsasl2 gives a text that ends in NUL and stays until the next call; it is copied before.
        let value = unsafe { CStr::from_ptr(value) };
        Some(String::from_utf8_lossy(value.to_bytes()).into_owned())
    }

    /// Writes a line where the program writes those of libsasl2, as an error.
    pub(crate) fn complain(self, message: &dyn core::fmt::Display) {
        let (Some(log), Ok(message)) = (self.0.log, CString::new(format!("sasldb_rs: {message}"))) else { return };
        // SAFETY: the connection is the one that libsasl2 has put beside the function (null for none), and the format takes
        // one text that ends in NUL.
        unsafe { log(self.0.conn, LOG_ERR, c"%s".as_ptr(), message.as_ptr()) }
    }
}

/// One connection of the program, which is about to authenticate somebody.
pub(crate) struct Host<'a> {
    params: &'a ServerParams,
    pub(crate) library: Library<'a>,
}

/// A property that a mechanism asks for.
pub(crate) struct Wanted<'a> {
    /// As it was asked for: for the authentication identity it begins with `*`.
    name: &'a CStr,
    has_value: bool,
    /// The forms that it can hold.
    pub(crate) forms: Forms,
}

impl<'a> Host<'a> {
    /// # Safety
    /// `params` is null, or points to what libsasl2 made, which stays as it is for `'a`.
    pub(crate) unsafe fn of(params: *const ServerParams) -> Option<Self> {
        // SAFETY: as the caller promises.
        let params = unsafe { params.as_ref() }?;
        // SAFETY: the parameters of a connection hold functions that are good for as long as they are.
        let library = unsafe { Library::of(params.utils) }?;
        Some(Self { params, library })
    }

    /// The realm that the program has; empty for none.
    pub(crate) fn realm(&self) -> &'a [u8] {
        text(self.params.user_realm)
    }

    /// The name of the host.
    pub(crate) fn name(&self) -> &'a [u8] {
        text(self.params.server_fqdn)
    }

    /// The service, such as `smtp`.
    pub(crate) fn service(&self) -> &'a [u8] {
        text(self.params.service)
    }

    /// The properties that can be served, of those that are asked for the authentication identity and have no value yet, or
    /// one that is to be replaced.
    pub(crate) fn wanted(&self, flags: c_uint) -> Vec<Wanted<'a>> {
        let Some(get) = self.library.0.prop_get else { return Vec::new() };
        // SAFETY: the function takes any context of libsasl2, and null.
        let mut property = unsafe { get(self.params.propctx) };
        let mut wanted = Vec::new();
        // SAFETY: null, or an array that ends with a property that has no name.
        while let Some(asked) = unsafe { property.as_ref() }.filter(|property| !property.name.is_null()) {
            // SAFETY: names end in NUL, and stay until the whole context goes, which is not before this call returns.
            let name: &'a CStr = unsafe { CStr::from_ptr(asked.name) };
            let has_value = !asked.values.is_null();
            let forms = name.to_bytes().strip_prefix(b"*").map_or(Forms::NONE, forms_of);
            if !forms.is_empty() && (!has_value || flags & OVERRIDE != 0) {
                wanted.push(Wanted { name, has_value, forms });
            }
            // SAFETY: this was not the last one.
            property = unsafe { property.add(1) };
        }
        wanted
    }

    /// What `properties` say that is to become of an account. Other mechanisms' secrets, which come after each password to be taken
    /// away, and SCRAM's, which are derived here from the password, ask for nothing.
    pub(crate) fn wish(&self, properties: *mut PropertyContext) -> Option<Wish<'a>> {
        let get = self.library.0.prop_get?;
        // SAFETY: the function takes any context of libsasl2.
        let mut property = unsafe { get(properties) };
        let mut wish = None;
        // SAFETY: null, or an array that ends with a property that has no name.
        while let Some(found) = unsafe { property.as_ref() }.filter(|property| !property.name.is_null()) {
            // SAFETY: names end in NUL, and stay until the whole context goes, which is not before this call returns.
            let name = unsafe { CStr::from_ptr(found.name) };
            // Without a list of values it was only asked for at some time.
            if !found.values.is_null() {
                // SAFETY: so long as it is, the list ends with null.
                let value = unsafe { *found.values };
                match name.to_bytes() {
                    b"*" if value.is_null() => return Some(Wish::Remove),
                    b"userPassword" if !value.is_null() => wish = Some(Wish::Set(value_of(found, value))),
                    _ => {}
                }
            }
            // SAFETY: this was not the last one.
            property = unsafe { property.add(1) };
        }
        wish
    }

    /// Takes off the values that are to be replaced.
    pub(crate) fn clear(&self, wanted: &[Wanted<'_>]) {
        let Some(erase) = self.library.0.prop_erase else { return };
        for property in wanted.iter().filter(|property| property.has_value) {
            // SAFETY: the name was found in this context.
            unsafe { erase(self.params.propctx, property.name.as_ptr()) }
        }
    }

    /// Gives a property a value, beside those that it has.
    pub(crate) fn give(&self, property: &Wanted<'_>, value: &[u8]) -> c_int {
        let (Some(set), Ok(length)) = (self.library.0.prop_set, c_int::try_from(value.len())) else { return SASL_FAIL };
        let value: *const c_char = value.as_ptr().cast();
        // SAFETY: the name was found in this context, and the function copies so many bytes. They are never none: that would
        // mean a text that ends in NUL.
        unsafe { set(self.params.propctx, property.name.as_ptr(), value, length) }
    }
}

/// The first value of a property. Where it is the only one its length is known, and what stands behind a NUL counts too.
fn value_of<'a>(property: &PropertyValue, value: *const c_char) -> &'a [u8] {
    match usize::try_from(property.valsize) {
        // SAFETY: so many bytes are all values together, which is this one.
        Ok(length) if property.nvalues == 1 => unsafe { core::slice::from_raw_parts(value.cast(), length) },
        _ => text(value),
    }
}

/// A text of libsasl2; null stands for none.
fn text<'a>(pointer: *const c_char) -> &'a [u8] {
    if pointer.is_null() {
        return b"";
    }
    // SAFETY: the texts of a connection's parameters end in NUL, and stay until the call that shows them returns.
    unsafe { CStr::from_ptr(pointer) }.to_bytes()
}
