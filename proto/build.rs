//! Compiles the protos with protox, a compiler in Rust, so that no protoc needs to be installed.

use std::path::PathBuf;
use std::{env, error::Error, fs};

use protox::Compiler;
use protox::prost_reflect::{DescriptorPool, MethodDescriptor};

fn main() -> Result<(), Box<dyn Error>> {
    let files = protos()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut protos = Compiler::new(["."])?;
    protos.include_imports(true).include_source_info(true).open_files(&files)?;
    // Encoded by protox, because the types of prost have no custom options, such as google.api.field_behavior.
    fs::write(out.join("descriptors.bin"), protos.encode_file_descriptor_set())?;

    let descriptors = protos.file_descriptor_set();
    fs::write(out.join("scopes.rs"), scopes(&protos.descriptor_pool())?)?;
    fs::write(out.join("wallet_tokens.rs"), wallet_tokens(&protos.descriptor_pool()))?;
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
    println!("cargo:rerun-if-changed=google");
    Ok(())
}

/// Returns all methods of the package.
fn methods(pool: &DescriptorPool) -> impl Iterator<Item = MethodDescriptor> {
    let services = pool.services().filter(|service| service.package_name() == "wallet.v1");
    services.flat_map(|service| service.methods().collect::<Vec<_>>())
}

/// Returns the table of all methods with their scopes as Rust. A method without a scope is an error.
fn scopes(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let mut table = String::from("&[\n");
    for method in methods(pool) {
        let scope = scope(pool, &method)
            .ok_or_else(|| format!("{} needs `option (wallet.v1.scope)`", method.full_name()))?;
        let service = method.parent_service().full_name().to_owned();
        table += &format!("    (\"/{service}/{}\", crate::v1::Scope::{scope}),\n", method.name());
    }
    Ok(table + "]\n")
}

/// Returns the implementations of `MethodRequest` for the requests of all methods.
fn wallet_tokens(pool: &DescriptorPool) -> String {
    let option = pool.get_extension_by_name("wallet.v1.wallet_token");
    let is_open = |method: &MethodDescriptor| {
        option.as_ref().is_some_and(|option| method.options().get_extension(option).as_bool() == Some(true))
    };
    let implementation = |method: MethodDescriptor| {
        let wallet = if is_open(&method) { "Some(&self.wallet_id)" } else { "None" };
        let request = method.input().name().to_owned();
        format!(
            "impl MethodRequest for crate::v1::{request} {{\n    \
             fn wallet_for_token(&self) -> Option<&str> {{ {wallet} }}\n}}\n"
        )
    };
    methods(pool).map(implementation).collect()
}

/// Returns the scope of a method, as a variant of the generated enum.
fn scope(pool: &DescriptorPool, method: &MethodDescriptor) -> Option<String> {
    let option = pool.get_extension_by_name("wallet.v1.scope")?;
    let number = method.options().get_extension(&option).as_enum_number().filter(|number| *number != 0)?;
    let scopes = pool.get_enum_by_name("wallet.v1.Scope")?;
    let value = scopes.get_value(number)?;
    let name = value.name().strip_prefix("SCOPE_")?;
    let (first, rest) = name.split_at_checked(1)?;
    Some(format!("{first}{}", rest.to_lowercase()))
}

/// Returns the paths of all protos.
fn protos() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for folder in ["wallet/v1", "google/api", "google/rpc"] {
        for entry in fs::read_dir(folder)? {
            files.push(entry?.path());
        }
    }
    files.retain(|path| path.extension().is_some_and(|e| e == "proto"));
    // The generated documents follow this order, which must not depend on the file system.
    files.sort();
    Ok(files)
}
