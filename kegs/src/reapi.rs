//! The messages of the Remote Execution API v2 that make up a key.
//!
//! Field numbers and meanings: `build/bazel/remote/execution/v2/remote_execution.proto`. Written out by hand, so that
//! no code generator runs at build time; fields that we never set are left out, which the wire format allows.

use prost::Message;

/// Proto `Digest`.
#[derive(Clone, PartialEq, Message)]
pub struct Digest {
    #[prost(string, tag = "1")]
    pub hash: String,
    #[prost(int64, tag = "2")]
    pub size_bytes: i64,
}

/// One folder; `files`, `directories`, `symlinks` each sorted by name.
#[derive(Clone, PartialEq, Message)]
pub struct Directory {
    #[prost(message, repeated, tag = "1")]
    pub files: Vec<FileNode>,
    #[prost(message, repeated, tag = "2")]
    pub directories: Vec<DirectoryNode>,
    #[prost(message, repeated, tag = "3")]
    pub symlinks: Vec<SymlinkNode>,
}

#[derive(Clone, PartialEq, Message)]
pub struct FileNode {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub digest: Option<Digest>,
    #[prost(bool, tag = "4")]
    pub is_executable: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct DirectoryNode {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub digest: Option<Digest>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SymlinkNode {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub target: String,
}

/// What runs. `environment_variables` sorted by name.
#[derive(Clone, PartialEq, Message)]
pub struct Command {
    #[prost(string, repeated, tag = "1")]
    pub arguments: Vec<String>,
    #[prost(message, repeated, tag = "2")]
    pub environment_variables: Vec<EnvironmentVariable>,
    #[prost(string, tag = "6")]
    pub working_directory: String,
    #[prost(string, repeated, tag = "7")]
    pub output_paths: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct EnvironmentVariable {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

/// Its digest is the key.
#[derive(Clone, PartialEq, Message)]
pub struct Action {
    #[prost(message, optional, tag = "1")]
    pub command_digest: Option<Digest>,
    #[prost(message, optional, tag = "2")]
    pub input_root_digest: Option<Digest>,
    #[prost(message, optional, tag = "10")]
    pub platform: Option<Platform>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Platform {
    #[prost(message, repeated, tag = "1")]
    pub properties: Vec<Property>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Property {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

/// What came out.
#[derive(Clone, PartialEq, Message)]
pub struct ActionResult {
    #[prost(message, repeated, tag = "3")]
    pub output_directories: Vec<OutputDirectory>,
    #[prost(int32, tag = "4")]
    pub exit_code: i32,
    #[prost(message, optional, tag = "9")]
    pub execution_metadata: Option<ExecutedActionMetadata>,
}

#[derive(Clone, PartialEq, Message)]
pub struct OutputDirectory {
    #[prost(string, tag = "1")]
    pub path: String,
    /// A `Tree` message's digest; set where a farm gave one.
    #[prost(message, optional, tag = "3")]
    pub tree_digest: Option<Digest>,
    /// The root `Directory`'s digest: what the store keeps.
    #[prost(message, optional, tag = "5")]
    pub root_directory_digest: Option<Digest>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ExecutedActionMetadata {
    #[prost(string, tag = "1")]
    pub worker: String,
    #[prost(message, optional, tag = "5")]
    pub execution_start_timestamp: Option<Timestamp>,
    #[prost(message, optional, tag = "6")]
    pub execution_completed_timestamp: Option<Timestamp>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, PartialEq, Message)]
pub struct Timestamp {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl From<crate::Digest> for Digest {
    fn from(digest: crate::Digest) -> Digest {
        Digest { hash: digest.hex(), size_bytes: digest.size_bytes as i64 }
    }
}

impl Digest {
    /// `None` when the text is no sha256 or the size is negative: messages come from outside.
    pub fn checked(&self) -> Option<crate::Digest> {
        let sha256 = crate::digest::parse_sha256(&self.hash)?;
        Some(crate::Digest { sha256, size_bytes: u64::try_from(self.size_bytes).ok()? })
    }
}
