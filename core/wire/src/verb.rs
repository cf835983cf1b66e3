//! What a request asks for.

/// A verb. Later versions add some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum Verb {
    /// Reads a file.
    Get = 1,
    /// Writes a file.
    Set = 2,
    /// Deletes a file.
    Del = 3,
    /// Reads the current revision.
    Rev = 5,
    /// Waits for one change.
    Wait = 6,
    /// Passes through consensus without a change.
    Nop = 7,
    /// Reads the n-th file that matches a glob.
    Walk = 9,
    /// Reads the n-th entry of a directory.
    Getdir = 14,
    /// Reads a file's or directory's size and revision.
    Stat = 16,
    /// Reads the member's id.
    SelfId = 20,
    /// Opens an extended conversation.
    Hello = 32,
    /// Ends an outstanding request.
    Cancel = 33,
    /// Reads many files at once.
    List = 34,
    /// Streams changes.
    Watch = 35,
    /// Makes several changes, or none.
    Txn = 36,
    /// Opens, keeps, ends or looks at sessions.
    Session = 37,
    /// Reads what the member knows about itself.
    Status = 38,
    /// Is answered by the connection itself.
    Ping = 39,
    /// Presents a secret.
    Access = 99,
}

impl Verb {
    /// Every verb, by ascending number.
    pub const ALL: &'static [Verb] = &[
        Verb::Get,
        Verb::Set,
        Verb::Del,
        Verb::Rev,
        Verb::Wait,
        Verb::Nop,
        Verb::Walk,
        Verb::Getdir,
        Verb::Stat,
        Verb::SelfId,
        Verb::Hello,
        Verb::Cancel,
        Verb::List,
        Verb::Watch,
        Verb::Txn,
        Verb::Session,
        Verb::Status,
        Verb::Ping,
        Verb::Access,
    ];

    /// The verb with this number on the wire, or `None`: then the answer is UNKNOWN_VERB.
    pub const fn from_i32(number: i32) -> Option<Verb> {
        Some(match number {
            1 => Verb::Get,
            2 => Verb::Set,
            3 => Verb::Del,
            5 => Verb::Rev,
            6 => Verb::Wait,
            7 => Verb::Nop,
            9 => Verb::Walk,
            14 => Verb::Getdir,
            16 => Verb::Stat,
            20 => Verb::SelfId,
            32 => Verb::Hello,
            33 => Verb::Cancel,
            34 => Verb::List,
            35 => Verb::Watch,
            36 => Verb::Txn,
            37 => Verb::Session,
            38 => Verb::Status,
            39 => Verb::Ping,
            99 => Verb::Access,
            _ => return None,
        })
    }

    /// The verb's name in the protocol: `GETDIR`.
    pub const fn name(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Set => "SET",
            Verb::Del => "DEL",
            Verb::Rev => "REV",
            Verb::Wait => "WAIT",
            Verb::Nop => "NOP",
            Verb::Walk => "WALK",
            Verb::Getdir => "GETDIR",
            Verb::Stat => "STAT",
            Verb::SelfId => "SELF",
            Verb::Hello => "HELLO",
            Verb::Cancel => "CANCEL",
            Verb::List => "LIST",
            Verb::Watch => "WATCH",
            Verb::Txn => "TXN",
            Verb::Session => "SESSION",
            Verb::Status => "STATUS",
            Verb::Ping => "PING",
            Verb::Access => "ACCESS",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto;

    #[test]
    fn the_numbers_and_names_are_those_of_the_proto_file() {
        for number in -1000..1000 {
            let ours = Verb::from_i32(number).map(|verb| (verb as i32, verb.name()));
            let theirs = proto::Verb::try_from(number).ok().map(|verb| (number, verb.as_str_name()));
            assert_eq!(ours, theirs, "verb {number}");
        }
    }

    #[test]
    fn all_is_complete() {
        let known: Vec<Verb> = (-1000..1000).filter_map(Verb::from_i32).collect();
        assert_eq!(Verb::ALL, known);
    }

    #[test]
    fn other_numbers_are_no_verbs() {
        for number in [0, 4, 31, 40, 41, 42, -1, i32::MIN, i32::MAX] {
            assert_eq!(Verb::from_i32(number), None, "verb {number}");
        }
    }
}
