"""Do-not-use marks by blind index, with a reason and a reach. They outlive erasure and import."""
