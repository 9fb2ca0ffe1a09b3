//! Says how the shared library is linked: from $P2C2R_LIB_DIR, else as pkg-config tells, else from
//! where the linker looks anyway. Tests and examples of this package find it there at run time too;
//! programs of other packages are told the folder as DEP_P2C2R_LIB_DIR.

use std::env;
use std::process::Command;

fn link_from(folder: &str) {
    println!("cargo:rustc-link-search=native={folder}");
    println!("cargo:lib_dir={folder}");
    if cfg!(unix) {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}

/// What `pkg-config --libs-only-L` prints, if there is such a program and it knows the library.
fn pkg_config() -> Option<String> {
    let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_string());
    let told = Command::new(program)
        .args(["--libs-only-L", "--keep-system-libs", "p2c2r"])
        .output()
        .ok()?;
    if !told.status.success() {
        return None;
    }
    String::from_utf8(told.stdout).ok()
}

fn main() {
    println!("cargo:rerun-if-env-changed=P2C2R_LIB_DIR");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-lib=dylib=p2c2r");
    if let Ok(folder) = env::var("P2C2R_LIB_DIR") {
        link_from(&folder);
    } else if let Some(flags) = pkg_config() {
        for folder in flags.split_whitespace().filter_map(|flag| flag.strip_prefix("-L")) {
            link_from(folder);
        }
    } else {
        println!("cargo:warning=P2C2R_LIB_DIR is not set and pkg-config does not know p2c2r");
    }
}
