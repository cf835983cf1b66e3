//! The program `doozer-nemesis`.

fn main() -> std::process::ExitCode {
    doozer_nemesis::main()
}
