//! Argon2 password hashes as PHC strings (<https://github.com/P-H-C/phc-string-format>).
//! Hashing needs a block of memory as large as the hash asks for. Who hashes often keeps one [`Memory`] and hashes one
//! password at a time: with a block per request, memory stayed at 379 MB after a flood of logins.

use crate::sys::os;
use argon2::password_hash::{Output, ParamsString, PasswordHash, Salt, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// What new hashes cost: 19 MiB, 2 passes, 1 lane (OWASP's recommendation for Argon2id).
const M_COST: u32 = 19 * 1024;
const T_COST: u32 = 2;
const P_COST: u32 = 1;
/// Bytes of a new hash and of its salt.
const OUTPUT: usize = 32;
const SALT: usize = 16;

/// The most memory that a stored hash may ask for, in KiB.
pub const MEMORY_LIMIT: u32 = 256 * 1024;
/// The most passes and lanes.
const PASSES_LIMIT: u32 = 64;
const LANES_LIMIT: u32 = 16;

/// A block of memory that is used again for every password.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    fn for_params(&mut self, params: &Params) -> &mut [Block] {
        let needed = params.block_count();
        if self.0.len() < needed {
            self.0.resize(needed, Block::default());
        }
        &mut self.0[..needed]
    }

    /// Gives back what is beyond a new hash's need.
    pub fn shrink(&mut self) {
        if let Ok(params) = params() {
            self.0.truncate(params.block_count());
            self.0.shrink_to_fit();
        }
    }
}

/// How a password compares with a stored hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Right,
    /// Right, and stored with other parameters than new hashes have: hash it again.
    RightButOutdated,
    Wrong,
}

fn params() -> Result<Params, String> {
    Params::new(M_COST, T_COST, P_COST, Some(OUTPUT)).map_err(|error| error.to_string())
}

/// The PHC string of a password, with a random salt.
///
/// # Errors
/// A password that Argon2 does not take (over 4 GiB).
pub fn hash(password: &str, memory: &mut Memory) -> Result<String, String> {
    let params = params()?;
    let mut salt = [0; SALT];
    os::random(&mut salt);
    let mut output = [0; OUTPUT];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    argon
        .hash_password_into_with_memory(password.as_bytes(), &salt, &mut output, memory.for_params(&params))
        .map_err(|error| error.to_string())?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| error.to_string())?;
    let phc = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(|error| error.to_string())?,
        salt: Some(salt.as_salt()),
        hash: Some(Output::new(&output).map_err(|error| error.to_string())?),
    };
    Ok(phc.to_string())
}

/// A PHC string, taken apart and within our limits.
struct Stored {
    argon: Argon2<'static>,
    params: Params,
    current: bool,
    salt: Vec<u8>,
    output: Output,
}

fn read(phc: &str) -> Result<Stored, String> {
    let parsed = PasswordHash::new(phc).map_err(|error| format!("no PHC string: {error}"))?;
    let algorithm = Algorithm::try_from(parsed.algorithm).map_err(|_| {
        format!("algorithm '{}' is not supported: argon2id, argon2i or argon2d", parsed.algorithm.as_str())
    })?;
    let version = parsed.version.unwrap_or(Version::V0x10.into());
    let version = Version::try_from(version).map_err(|_| format!("version {version} of Argon2 is not supported"))?;
    let output = parsed.hash.ok_or("the hash is missing")?;
    let params = Params::try_from(&parsed).map_err(|error| format!("bad parameters: {error}"))?;
    if params.m_cost() > MEMORY_LIMIT || params.t_cost() > PASSES_LIMIT || params.p_cost() > LANES_LIMIT {
        return Err(format!(
            "its parameters (m={},t={},p={}) are over the limit of m={MEMORY_LIMIT},t={PASSES_LIMIT},p={LANES_LIMIT}",
            params.m_cost(),
            params.t_cost(),
            params.p_cost()
        ));
    }
    let mut salt = [0; Salt::MAX_LENGTH];
    let salt = parsed.salt.ok_or("the salt is missing")?.decode_b64(&mut salt).map_err(|e| format!("salt: {e}"))?;
    let current = algorithm == Algorithm::Argon2id
        && version == Version::V0x13
        && (params.m_cost(), params.t_cost(), params.p_cost()) == (M_COST, T_COST, P_COST);
    let argon = Argon2::new(algorithm, version, params.clone());
    Ok(Stored { argon, params, current, salt: salt.to_vec(), output })
}

/// Checks a PHC string that was not made here (`import`).
///
/// # Errors
/// What is wrong with it.
pub fn check(phc: &str) -> Result<(), String> {
    read(phc).map(drop)
}

/// What verifying this hash costs, in KiB of memory times passes; 0 for what is no hash. For the dummy of unknown users.
pub fn cost(phc: &str) -> u64 {
    read(phc).map_or(0, |stored| u64::from(stored.params.m_cost()) * u64::from(stored.params.t_cost()))
}

/// Compares a password with a stored hash, with the memory that the hash asks for. Takes as long for every wrong one.
///
/// # Errors
/// What is wrong with the stored hash.
pub fn verify(password: &str, phc: &str, memory: &mut Memory) -> Result<Verdict, String> {
    let stored = read(phc)?;
    let mut found = vec![0; stored.output.len()];
    let blocks = memory.for_params(&stored.params);
    stored
        .argon
        .hash_password_into_with_memory(password.as_bytes(), &stored.salt, &mut found, blocks)
        .map_err(|error| error.to_string())?;
    let found = Output::new(&found).map_err(|error| error.to_string())?;
    // Output compares in constant time.
    Ok(match (found == stored.output, stored.current) {
        (true, true) => Verdict::Right,
        (true, false) => Verdict::RightButOutdated,
        (false, _) => Verdict::Wrong,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_verified_with_one_block_of_memory() {
        let mut memory = Memory::default();
        let phc = hash("correct horse", &mut memory).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_ne!(phc, hash("correct horse", &mut memory).unwrap());
        assert_eq!(verify("correct horse", &phc, &mut memory), Ok(Verdict::Right));
        assert_eq!(verify("correct hors", &phc, &mut memory), Ok(Verdict::Wrong));
        assert_eq!(verify("", &phc, &mut memory), Ok(Verdict::Wrong));
    }

    /// By argon2-cffi's `PasswordHasher(memory_cost=1024)`, as ddns-service stores them.
    #[test]
    fn a_hash_of_another_program_is_right_but_outdated() {
        let argon = Argon2::new(Algorithm::Argon2i, Version::V0x13, Params::new(1024, 3, 4, Some(32)).unwrap());
        let mut output = [0; 32];
        argon.hash_password_into(b"secret", b"0123456789abcdef", &mut output).unwrap();
        let salt = SaltString::encode_b64(b"0123456789abcdef").unwrap();
        let phc = format!("$argon2i$v=19$m=1024,t=3,p=4${salt}${}", Output::new(&output).unwrap());
        let mut memory = Memory::default();
        assert_eq!(check(&phc), Ok(()));
        assert_eq!(verify("secret", &phc, &mut memory), Ok(Verdict::RightButOutdated));
        assert_eq!(verify("Secret", &phc, &mut memory), Ok(Verdict::Wrong));
        assert_eq!(cost(&phc), 3 * 1024);
    }

    #[test]
    fn what_asks_for_too_much_is_rejected_before_it_gets_memory() {
        let tail = "$c29tZXNhbHRzb21lc2FsdA$5z3f6Zt2bq7v1QJm1mVxw3oTgGfS7kq9m1p0h1W2r3E";
        for (head, why) in [
            ("$argon2id$v=19$m=262145,t=2,p=1", "over the limit"),
            ("$argon2id$v=19$m=4294967295,t=1,p=1", "over the limit"),
            ("$argon2id$v=19$m=1024,t=4294967295,p=1", "over the limit"),
            ("$argon2id$v=7$m=1024,t=2,p=1", "version 7"),
            ("$scrypt$ln=16,r=8,p=1", "algorithm 'scrypt'"),
        ] {
            let said = check(&format!("{head}{tail}")).unwrap_err();
            assert!(said.contains(why), "{head}: {said}");
        }
        for phc in ["", "x", "$argon2id$v=19$m=1024,t=2,p=1", "$2b$12$abcdefghijklmnopqrstuv"] {
            assert!(check(phc).is_err(), "{phc}");
        }
        assert_eq!(cost("x"), 0);
    }
}
