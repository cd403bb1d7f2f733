use super::*;

#[test]
fn exp_of_one_is_e() {
    println!("{} {}", High::ONE.exp(), High::int(2).sqrt());
}
