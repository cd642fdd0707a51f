//! One host's row and the wanted addresses: nothing, change or refuse. Pure.
