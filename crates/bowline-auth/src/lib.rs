//! Who is calling, and may they: tokens, assertions, passwords, roles. Pure.
