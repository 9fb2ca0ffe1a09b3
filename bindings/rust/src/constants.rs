//! The header's numbers as Rust types. What the library may tell one day and this package does not
//! know yet is `Other`.
use crate::sys::*;

pub const NONE: u32 = P2C2R_NONE;
pub const ANY: u32 = P2C2R_ANY;
pub const FOREVER: u64 = P2C2R_FOREVER;

/// A wish: what is passed in.
macro_rules! wish {
    ($(#[$doc:meta])* $name:ident {
        $first:ident = $zero:ident, $($member:ident = $number:ident,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
        #[repr(i32)]
        pub enum $name {
            #[default]
            $first = $zero,
            $($member = $number,)*
        }
    };
}

/// A message: what is told, and sometimes passed in.
macro_rules! told {
    ($(#[$doc:meta])* $name:ident { $($member:ident = $number:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($member,)*
            Other(i32),
        }

        impl From<i32> for $name {
            fn from(number: i32) -> Self {
                match number {
                    $($number => Self::$member,)*
                    other => Self::Other(other),
                }
            }
        }

        impl From<$name> for i32 {
            fn from(it: $name) -> i32 {
                match it {
                    $($name::$member => $number,)*
                    $name::Other(number) => number,
                }
            }
        }
    };
}

wish! {
    /// Who turns the loop: a thread of the library, or the host through `poll`.
    RunMode { Thread = P2C2R_RUN_THREAD, Manual = P2C2R_RUN_MANUAL, }
}
wish! {
    /// Where callbacks run: inside `dispatch` and its like, or on the thread that turns the loop.
    Deliver { OnDispatch = P2C2R_DELIVER_ON_DISPATCH, OnLoop = P2C2R_DELIVER_ON_LOOP, }
}
wish! {
    Gpu { Auto = P2C2R_GPU_AUTO, Off = P2C2R_GPU_OFF, Index = P2C2R_GPU_INDEX, }
}
wish! {
    /// The verification class a task asks for; it may only raise what its type has. Answers are
    /// not compared in this version: B, C and D are refused with `Status::UNSUPPORTED`.
    Verify {
        Type = P2C2R_VERIFY_TYPE,
        A = P2C2R_VERIFY_A,
        B = P2C2R_VERIFY_B,
        C = P2C2R_VERIFY_C,
        D = P2C2R_VERIFY_D,
    }
}
wish! {
    /// The circle a task never leaves.
    Circle {
        Type = P2C2R_CIRCLE_TYPE,
        Own = P2C2R_CIRCLE_OWN,
        Invited = P2C2R_CIRCLE_INVITED,
        Public = P2C2R_CIRCLE_PUBLIC,
    }
}
wish! {
    Place { Auto = P2C2R_PLACE_AUTO, Remote = P2C2R_PLACE_REMOTE, Local = P2C2R_PLACE_LOCAL, }
}
told! {
    LogLevel {
        Error = P2C2R_LOG_ERROR,
        Warn = P2C2R_LOG_WARN,
        Info = P2C2R_LOG_INFO,
        Debug = P2C2R_LOG_DEBUG,
        Trace = P2C2R_LOG_TRACE,
    }
}
told! {
    /// Who computed an answer.
    Source {
        None = P2C2R_SOURCE_NONE,
        Peer = P2C2R_SOURCE_PEER,
        Coordinator = P2C2R_SOURCE_COORDINATOR,
        Local = P2C2R_SOURCE_LOCAL,
        Cache = P2C2R_SOURCE_CACHE,
        Previous = P2C2R_SOURCE_PREVIOUS,
        Host = P2C2R_SOURCE_HOST,
    }
}
told! {
    Quality {
        Fast = P2C2R_QUALITY_FAST,
        Balanced = P2C2R_QUALITY_BALANCED,
        Best = P2C2R_QUALITY_QUALITY,
    }
}
told! {
    Pixel {
        Rgba8 = P2C2R_PIXEL_RGBA8,
        Rgb8 = P2C2R_PIXEL_RGB8,
        Jpeg = P2C2R_PIXEL_JPEG,
        Png = P2C2R_PIXEL_PNG,
    }
}
told! {
    EventType {
        State = P2C2R_EVENT_STATE,
        Peers = P2C2R_EVENT_PEERS,
        PeerJoined = P2C2R_EVENT_PEER_JOINED,
        PeerLeft = P2C2R_EVENT_PEER_LEFT,
        PeerFailed = P2C2R_EVENT_PEER_FAILED,
        Accepts = P2C2R_EVENT_ACCEPTS,
        Certificate = P2C2R_EVENT_CERTIFICATE,
    }
}
told! {
    /// When a peer helps.
    Mode {
        Always = P2C2R_MODE_ALWAYS,
        Idle = P2C2R_MODE_IDLE,
        WhileGaming = P2C2R_MODE_WHILE_GAMING,
        Schedule = P2C2R_MODE_SCHEDULE,
    }
}
told! {
    /// The connection of a client or a peer.
    State {
        Connecting = P2C2R_STATE_CONNECTING,
        Connected = P2C2R_STATE_CONNECTED,
        Closed = P2C2R_STATE_CLOSED,
    }
}
