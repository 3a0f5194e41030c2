//! Users, groups, modes and socket paths: what the system knows them by.

use core::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// A user by name or number. Names are looked up when they are needed, so that a tool which needs none asks no name
/// service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum User {
    /// By number.
    Id(u32),
    /// By name.
    Named(String),
}

/// A group by name or number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Group {
    /// By number.
    Id(u32),
    /// By name.
    Named(String),
}

/// A user or group that this system does not know, or cannot look up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownName {
    /// No such user.
    #[error("there is no user {0:?} on this system")]
    User(String),
    /// No such group.
    #[error("there is no group {0:?} on this system")]
    Group(String),
    /// The name service failed.
    #[error("cannot look up {0:?}: {1}")]
    Service(String, nix::errno::Errno),
}

impl User {
    /// The user's number.
    ///
    /// # Errors
    /// [`UnknownName`].
    pub fn uid(&self) -> Result<Uid, UnknownName> {
        match self {
            Self::Id(id) => Ok(Uid::from_raw(*id)),
            Self::Named(name) => match nix::unistd::User::from_name(name) {
                Ok(Some(user)) => Ok(user.uid),
                Ok(None) => Err(UnknownName::User(name.clone())),
                Err(errno) => Err(UnknownName::Service(name.clone(), errno)),
            },
        }
    }
}

impl Group {
    /// The group's number.
    ///
    /// # Errors
    /// [`UnknownName`].
    pub fn gid(&self) -> Result<Gid, UnknownName> {
        match self {
            Self::Id(id) => Ok(Gid::from_raw(*id)),
            Self::Named(name) => match nix::unistd::Group::from_name(name) {
                Ok(Some(group)) => Ok(group.gid),
                Ok(None) => Err(UnknownName::Group(name.clone())),
                Err(errno) => Err(UnknownName::Service(name.clone(), errno)),
            },
        }
    }
}

enum NameOrId {
    Id(u32),
    Name(String),
}

impl<'de> Deserialize<'de> for NameOrId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrIdVisitor;
        impl Visitor<'_> for NameOrIdVisitor {
            type Value = NameOrId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name in quotes or a number")
            }

            fn visit_i64<E: Error>(self, id: i64) -> Result<NameOrId, E> {
                // The highest value is what chown takes for "leave it".
                match u32::try_from(id) {
                    Ok(id) if id != u32::MAX => Ok(NameOrId::Id(id)),
                    _ => Err(E::invalid_value(Unexpected::Signed(id), &self)),
                }
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<NameOrId, E> {
                if name.is_empty() || name.contains('\0') {
                    return Err(E::invalid_value(Unexpected::Str(name), &self));
                }
                Ok(NameOrId::Name(name.to_owned()))
            }
        }
        deserializer.deserialize_any(NameOrIdVisitor)
    }
}

impl<'de> Deserialize<'de> for User {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match NameOrId::deserialize(deserializer)? {
            NameOrId::Id(id) => Self::Id(id),
            NameOrId::Name(name) => Self::Named(name),
        })
    }
}

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match NameOrId::deserialize(deserializer)? {
            NameOrId::Id(id) => Self::Id(id),
            NameOrId::Name(name) => Self::Named(name),
        })
    }
}

/// The permission bits of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode(u16);

impl Mode {
    /// Open to whoever gets into the socket's folder.
    pub const OPEN: Self = Self(0o666);

    /// The bits, at most 0o777.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0 as u32
    }
}

impl Default for Mode {
    fn default() -> Self {
        Self(0o660)
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A number would be read as decimal: 660 is not 0660.
        const WANTED: &str = "a mode in quotes, in octal digits, such as \"0660\"";
        struct ModeVisitor;
        impl Visitor<'_> for ModeVisitor {
            type Value = Mode;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(WANTED)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Mode, E> {
                match u16::from_str_radix(text, 8) {
                    Ok(bits) if bits <= 0o777 && !text.starts_with('+') => Ok(Mode(bits)),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(ModeVisitor)
    }
}

/// A path at which a Unix socket can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketPath(PathBuf);

/// A path at which no Unix socket can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SocketPathError {
    /// It is empty or ends in `/`.
    #[error("names no file")]
    NoName,
    /// The system's limit for socket paths.
    #[error("is longer than {} bytes, the system's limit for sockets", SocketPath::MAX)]
    TooLong,
    /// It holds a NUL byte.
    #[error("holds a NUL byte")]
    Nul,
}

impl SocketPath {
    /// The longest path in bytes: `sun_path` with its final NUL has 108 on Linux.
    pub const MAX: usize = 107;

    /// Checks `path`.
    ///
    /// # Errors
    /// [`SocketPathError`].
    pub fn new(path: &Path) -> Result<Self, SocketPathError> {
        let bytes = path.as_os_str().as_bytes();
        if bytes.is_empty() || bytes.ends_with(b"/") || path.file_name().is_none() {
            Err(SocketPathError::NoName)
        } else if bytes.contains(&0) {
            Err(SocketPathError::Nul)
        } else if bytes.len() > Self::MAX {
            Err(SocketPathError::TooLong)
        } else {
            Ok(Self(path.to_owned()))
        }
    }

    /// The path.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl<'de> Deserialize<'de> for SocketPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = super::read::absolute(deserializer)?;
        Self::new(&path).map_err(D::Error::custom)
    }
}
