//! The types of settings, to and from the values that sources give.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::address::Address;
use super::form::Raw;
use super::log_filter::{LogFilter, NoFilter};
use super::nats::{NatsUrl, NoStreamName, StreamName};
use super::record::RecordList;
use crate::grpc::{ClientKey, Origin};
use crate::store::DatabaseUrl;
use crate::traces::{Collector, NoCollector};

/// A type that a setting may have.
pub(super) trait Value: Sized {
    /// Converts a value whose form was checked.
    fn of(raw: &Raw) -> Result<Self, String>;

    /// Returns the value as a source would give it. `None`: it is absent.
    fn raw(&self) -> Option<Raw>;
}

/// Returns whether a value has a type.
pub(super) fn fits<T: Value>(raw: &Raw) -> Result<(), String> {
    T::of(raw).map(drop)
}

/// The fault of a value whose form does not belong to its type, which the rows exclude.
fn wrong_form<T>() -> Result<T, String> {
    Err("has another form".to_owned())
}

macro_rules! numbers {
    ($($type:ty)+) => {$(
        impl Value for $type {
            fn of(raw: &Raw) -> Result<Self, String> {
                let Raw::Number(number) = raw else { return wrong_form() };
                Self::try_from(*number).map_err(|_| format!("must be at most {}, is {number}", Self::MAX))
            }

            fn raw(&self) -> Option<Raw> {
                i64::try_from(*self).ok().map(Raw::Number)
            }
        }
    )+};
}

numbers! { u32 u64 usize }

impl Value for Duration {
    fn of(raw: &Raw) -> Result<Self, String> {
        u64::of(raw).map(Self::from_millis)
    }

    fn raw(&self) -> Option<Raw> {
        i64::try_from(self.as_millis()).ok().map(Raw::Number)
    }
}

impl Value for bool {
    fn of(raw: &Raw) -> Result<Self, String> {
        let Raw::Switch(switch) = raw else { return wrong_form() };
        Ok(*switch)
    }

    fn raw(&self) -> Option<Raw> {
        Some(Raw::Switch(*self))
    }
}

impl Value for PathBuf {
    fn of(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return wrong_form() };
        Ok(text.into())
    }

    fn raw(&self) -> Option<Raw> {
        Some(Raw::Text(self.display().to_string()))
    }
}

impl Value for Address {
    fn of(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return wrong_form() };
        let port =
            text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
        match port {
            Some(Ok(_)) => Ok(Self(text.clone())),
            _ => Err(format!("must be HOST:PORT, as in localhost:50051, is {text:?}")),
        }
    }

    fn raw(&self) -> Option<Raw> {
        Some(Raw::Text(self.0.clone()))
    }
}

impl Value for LogFilter {
    fn of(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return wrong_form() };
        text.parse().map_err(|error: NoFilter| error.to_string())
    }

    fn raw(&self) -> Option<Raw> {
        Some(Raw::Text(self.to_string()))
    }
}

impl Value for Collector {
    fn of(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return wrong_form() };
        text.parse().map_err(|error: NoCollector| error.to_string())
    }

    fn raw(&self) -> Option<Raw> {
        Some(Raw::Text(self.to_string()))
    }
}

impl Value for DatabaseUrl {
    fn of(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return wrong_form() };
        Ok(text.as_str().into())
    }

    fn raw(&self) -> Option<Raw> {
        Some(Raw::Text(self.secret().to_owned()))
    }
}

impl Value for Vec<Origin> {
    fn of(raw: &Raw) -> Result<Self, String> {
        let Raw::List(items) = raw else { return wrong_form() };
        items.iter().map(|item| item.parse().map_err(|error| format!("{item:?}: {error}"))).collect()
    }

    fn raw(&self) -> Option<Raw> {
        Some(Raw::List(self.iter().map(ToString::to_string).collect()))
    }
}

impl Value for Vec<ClientKey> {
    fn of(raw: &Raw) -> Result<Self, String> {
        let Raw::List(items) = raw else { return wrong_form() };
        let keys = items.iter().map(|item| item.parse().map_err(|error| format!("{item:?}: {error}")));
        let keys = keys.collect::<Result<Self, String>>()?;
        match ClientKey::ambiguous(&keys) {
            Some(name) => Err(format!("{name:?} has the ids of several keys: a name stands for one")),
            None => Ok(keys),
        }
    }

    fn raw(&self) -> Option<Raw> {
        Some(Raw::List(self.iter().map(ToString::to_string).collect()))
    }
}

impl Value for Vec<IpNet> {
    fn of(raw: &Raw) -> Result<Self, String> {
        let Raw::List(items) = raw else { return wrong_form() };
        let network = |item: &String| {
            item.parse().map_err(|_| format!("{item:?}: must be a network, as in 10.1.0.0/16"))
        };
        items.iter().map(network).collect()
    }

    fn raw(&self) -> Option<Raw> {
        Some(Raw::List(self.iter().map(ToString::to_string).collect()))
    }
}

impl Value for Vec<NatsUrl> {
    fn of(raw: &Raw) -> Result<Self, String> {
        let Raw::List(items) = raw else { return wrong_form() };
        items.iter().map(|item| item.parse::<NatsUrl>().map_err(|error| error.to_string())).collect()
    }

    fn raw(&self) -> Option<Raw> {
        Some(Raw::List(self.iter().map(ToString::to_string).collect()))
    }
}

impl Value for RecordList {
    fn of(raw: &Raw) -> Result<Self, String> {
        let Raw::List(items) = raw else { return wrong_form() };
        Self::read(items).map_err(|error| error.to_string())
    }

    fn raw(&self) -> Option<Raw> {
        Some(Raw::List(self.names().to_vec()))
    }
}

impl Value for StreamName {
    fn of(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return wrong_form() };
        text.parse().map_err(|error: NoStreamName| error.to_string())
    }

    fn raw(&self) -> Option<Raw> {
        Some(Raw::Text(self.to_string()))
    }
}

impl<T: Value> Value for Option<T> {
    fn of(raw: &Raw) -> Result<Self, String> {
        T::of(raw).map(Some)
    }

    fn raw(&self) -> Option<Raw> {
        self.as_ref()?.raw()
    }
}
