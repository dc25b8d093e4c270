/// Computes what it is given and says what it computed.
struct Honest: Behaviour {}
