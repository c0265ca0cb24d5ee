use super::Report;
pub fn draw(_: &Report, _: &std::path::Path) -> Result<Vec<String>, String> {
    Ok(vec![])
}
