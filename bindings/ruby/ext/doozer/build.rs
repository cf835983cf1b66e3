//! Tells cargo how a library that Ruby loads is linked here.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    rb_sys_env::activate()?;
    Ok(())
}
