//! Compiles the protos with protox, a compiler in Rust, so that no protoc needs to be installed.

use std::path::PathBuf;
use std::{env, error::Error, fs};

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<PathBuf> = fs::read_dir("wallet/v1")?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "proto"))
        .collect();
    let descriptors = protox::compile(&files, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().build_server(false).compile_fds(descriptors.clone())?;
    // The servers use their own codec, which the builder can only set for a whole run: a second run generates them and
    // refers to the messages of the first.
    let servers = out.join("servers");
    fs::create_dir_all(&servers)?;
    tonic_prost_build::configure()
        .build_client(false)
        .codec_path("crate::codec::RequestCodec")
        .extern_path(".wallet.v1", "crate::v1")
        .out_dir(servers)
        .compile_fds(descriptors)?;
    println!("cargo:rerun-if-changed=wallet/v1");
    Ok(())
}
