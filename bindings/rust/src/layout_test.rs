//! This package's structs, constants and functions are those of p2c2r.h, as the C compiler sees it.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, mem};

use crate::sys;

/// A struct of `sys`: its name, and of each field name, offset and size.
pub(crate) trait Described {
    const NAME: &'static str;
    fn fields() -> Vec<(&'static str, usize, usize)>;
}

struct Layout {
    name: &'static str,
    size: usize,
    fields: Vec<(&'static str, usize, usize)>,
}

fn layout<T: Described>() -> Layout {
    Layout { name: T::NAME, size: mem::size_of::<T>(), fields: T::fields() }
}

fn layouts() -> Vec<Layout> {
    vec![
        layout::<sys::p2c2r_bytes>(),
        layout::<sys::p2c2r_error>(),
        layout::<sys::p2c2r_patch>(),
        layout::<sys::p2c2r_allocator>(),
        layout::<sys::p2c2r_event>(),
        layout::<sys::p2c2r_part>(),
        layout::<sys::p2c2r_vulkan_host>(),
        layout::<sys::p2c2r_runtime_config>(),
        layout::<sys::p2c2r_executor_desc>(),
        layout::<sys::p2c2r_credentials>(),
        layout::<sys::p2c2r_client_config>(),
        layout::<sys::p2c2r_task_desc>(),
        layout::<sys::p2c2r_client_stats>(),
        layout::<sys::p2c2r_result_info>(),
        layout::<sys::p2c2r_image>(),
        layout::<sys::p2c2r_answer>(),
        layout::<sys::p2c2r_frame_form>(),
        layout::<sys::p2c2r_frames_config>(),
        layout::<sys::p2c2r_capabilities>(),
        layout::<sys::p2c2r_peer_config>(),
        layout::<sys::p2c2r_peer_stats>(),
        layout::<sys::p2c2r_coordinator_config>(),
        layout::<sys::p2c2r_coordinator_stats>(),
    ]
}

fn include_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include")
}

/// The header without its comments.
fn header() -> String {
    let text = fs::read_to_string(include_dir().join("p2c2r/p2c2r.h")).expect("the header");
    let mut code = String::new();
    for (index, part) in text.split("/*").enumerate() {
        code += if index == 0 { part } else { part.split_once("*/").map_or("", |(_, rest)| rest) };
    }
    code
}

/// What a C program prints whose main consists of these lines.
fn run_c(name: &str, lines: &[String]) -> Vec<String> {
    let folder = env::temp_dir().join(format!("p2c2r-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the C program");
    let (source, program) = (folder.join("layout.c"), folder.join("layout"));
    let text = format!(
        "#include <p2c2r/p2c2r.h>\n#include <stdio.h>\nint main(void) {{\n{}\nreturn 0;\n}}\n",
        lines.join("\n")
    );
    fs::write(&source, text).expect("the C program's source");
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_string());
    let built = Command::new(compiler)
        .arg("-std=c99")
        .arg("-I")
        .arg(include_dir())
        .arg("-o")
        .args([&program, &source])
        .status()
        .expect("a C compiler");
    assert!(built.success());
    let output = Command::new(&program).output().expect("the C program");
    fs::remove_dir_all(&folder).expect("the folder goes");
    let text = String::from_utf8(output.stdout).expect("its output");
    text.lines().map(str::to_string).collect()
}

#[test]
fn every_struct_has_the_layout_that_the_c_compiler_gives_it() {
    let (mut lines, mut expected) = (Vec::new(), Vec::new());
    for Layout { name, size, fields } in layouts() {
        lines.push(format!("printf(\"{name} %zu\\n\", sizeof({name}));"));
        expected.push(format!("{name} {size}"));
        for (field, offset, size) in fields {
            let field = field.trim_start_matches("r#");
            lines.push(format!(
                "printf(\"{name}.{field} %zu %zu\\n\", offsetof({name}, {field}), \
                 sizeof((({name}*)0)->{field}));"
            ));
            expected.push(format!("{name}.{field} {offset} {size}"));
        }
    }
    assert_eq!(run_c("structs", &lines), expected);
}

#[test]
fn every_struct_and_every_field_of_the_header_is_here() {
    let header = header();
    let mut declared = 0;
    for part in header.split("typedef struct ").skip(1) {
        let (name, rest) = part.split_once(' ').expect("a name");
        if !rest.starts_with('{') {
            continue; // a handle
        }
        declared += 1;
        let ours = layouts().into_iter().find(|layout| layout.name == name);
        let ours = ours.unwrap_or_else(|| panic!("{name} is missing"));
        // The header has no padding, so a field that is missing leaves a hole.
        assert_eq!(ours.fields.iter().map(|field| field.2).sum::<usize>(), ours.size, "{name}");
    }
    assert_eq!(declared, layouts().len());
}

#[test]
fn every_constant_has_the_value_of_the_header() {
    let mut ours: Vec<(&str, i64)> = sys::ALL_CONSTANTS.to_vec();
    ours.push(("P2C2R_ABI_VERSION", sys::P2C2R_ABI_VERSION.into()));
    ours.push(("P2C2R_NONE", sys::P2C2R_NONE.into()));
    ours.push(("P2C2R_ANY", sys::P2C2R_ANY.into()));
    ours.push(("P2C2R_FOREVER", sys::P2C2R_FOREVER as i64));
    let lines: Vec<String> = ours
        .iter()
        .map(|(name, _)| format!("printf(\"{name} %lld\\n\", (long long){name});"))
        .collect();
    let expected: Vec<String> =
        ours.iter().map(|(name, value)| format!("{name} {value}")).collect();
    assert_eq!(run_c("constants", &lines), expected);
}

#[test]
fn every_constant_of_the_header_is_here() {
    let header = header();
    let mut declared = 0;
    for part in header.split("enum {").skip(1) {
        let body = part.split_once('}').expect("its end").0;
        for name in body.split(',').filter_map(|one| one.split_once('=')).map(|pair| pair.0.trim())
        {
            declared += 1;
            assert!(sys::ALL_CONSTANTS.iter().any(|ours| ours.0 == name), "{name} is missing");
        }
    }
    assert_eq!(declared, sys::ALL_CONSTANTS.len());
}

/// "pointer", "nothing", or how many bytes a number has and whether it has a sign.
fn kind_of(kind: &str) -> String {
    let words: Vec<&str> = kind.split_whitespace().filter(|word| *word != "const").collect();
    let text = words.join(" ");
    let name = match text.as_str() {
        "void" | "" => "nothing",
        "int32_t" | "p2c2r_status" | "i32" => "i32",
        "uint32_t" | "u32" => "u32",
        "uint64_t" | "p2c2r_task" | "p2c2r_content" | "u64" => "u64",
        "size_t" | "usize" => "usize",
        pointer if pointer.contains('*') => "pointer",
        other => panic!("a type of an unknown kind: {other}"),
    };
    name.to_string()
}

/// Functions by name: the kinds of what they return and of their parameters.
type Functions = BTreeMap<String, Vec<String>>;

fn functions_of_the_header() -> Functions {
    let mut functions = Functions::new();
    for part in header().split("P2C2R_API ").skip(1) {
        let (result, rest) = match part.split_once(" P2C2R_CALL ") {
            Some(pair) => pair,
            None => continue, // where P2C2R_API itself is defined
        };
        let (name, rest) = rest.split_once('(').expect("parameters");
        let parameters = rest.split_once(");").expect("their end").0;
        let mut kinds = vec![kind_of(result)];
        for parameter in parameters.split(',').filter(|one| one.trim() != "void") {
            let parameter = parameter.trim();
            let at = parameter.rfind([' ', '*']).expect("a name");
            let pointer = if parameter.ends_with(']') { "*" } else { "" };
            kinds.push(kind_of(&format!("{}{pointer}", &parameter[..=at])));
        }
        functions.insert(name.to_string(), kinds);
    }
    functions
}

fn functions_here() -> Functions {
    let mut functions = Functions::new();
    for part in include_str!("sys/functions.rs").split("pub fn ").skip(1) {
        let (name, rest) = part.split_once('(').expect("parameters");
        let (parameters, rest) = rest.split_once(')').expect("their end");
        let result = rest.split_once(';').expect("an end").0.trim().trim_start_matches("->");
        let mut kinds = vec![kind_of(result)];
        for parameter in parameters.split(',').filter(|one| !one.trim().is_empty()) {
            kinds.push(kind_of(parameter.split_once(':').expect("a type").1));
        }
        functions.insert(name.to_string(), kinds);
    }
    functions
}

#[test]
fn every_function_has_the_parameters_of_the_header() {
    let declared = functions_of_the_header();
    assert!(declared.len() > 70, "{} functions", declared.len());
    assert_eq!(functions_here(), declared);
}
