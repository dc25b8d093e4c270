import Bytes
import Domain

/// The checks that every file goes through, whatever its role.
enum ReleaseCheck {
    /// Enough of a role's keys signed, every signature holds, and nobody else signed.
    ///
    /// Stricter than TUF, which passes over signatures that it cannot use: a file of which any byte was changed is not
    /// the file that was published.
    ///
    /// - Parameter roles: each must have its threshold; a signer must be of one of them.
    /// - Parameter admitsOthers: signers of no role do not matter, as long as their signatures hold. For roots, which
    ///   the keys of the root before them signed, too.
    static func signatures(
        _ signed: SignedText, of roles: [RootBody.Keys], _ file: ReleaseFile, admitsOthers: Bool = false
    ) throws(ReleaseRefusal) {
        let allowed = roles.reduce(into: Set<VerifyingKey>()) { $0.formUnion($1.keys) }
        for signature in signed.signatures {
            guard admitsOthers || allowed.contains(signature.key) else {
                throw ReleaseRefusal(
                    .wrongKey, file.name, "key \(short(signature.key)) may not sign for \(file.role.rawValue)")
            }
            guard signature.key.isValid(signature: signature.bytes, for: signed.text) else {
                throw ReleaseRefusal(
                    .badSignature, file.name, "the signature of key \(short(signature.key)) does not hold")
            }
        }
        let signers = Set(signed.signatures.map(\.key))
        for role in roles {
            let count = role.keys.intersection(signers).count
            guard count >= role.threshold else {
                throw ReleaseRefusal(
                    .tooFewSignatures, file.name,
                    "\(count) of \(role.keys.count) keys signed, \(role.threshold) must")
            }
        }
    }

    /// The bytes are those that the role above names.
    static func bytes(_ bytes: [UInt8], are reference: ReleaseReference, _ file: ReleaseFile) throws(ReleaseRefusal) {
        guard bytes.count <= file.role.bytesMax else {
            throw ReleaseRefusal(
                .tooManyBytes, file.name, "\(bytes.count) bytes, at most \(file.role.bytesMax) are allowed")
        }
        guard bytes.count == Int(reference.size) else {
            throw ReleaseRefusal(
                .mixAndMatch, file.name, "it has \(bytes.count) bytes, not the \(reference.size) that were announced")
        }
        guard SHA256Hash.digest(of: bytes) == reference.digest else {
            throw ReleaseRefusal(.mixAndMatch, file.name, "its SHA-256 is not the one that was announced")
        }
    }

    /// Of this project, and the version that was asked for.
    static func header(
        _ header: ReleaseHeader, name: String, version: Int64?, _ file: ReleaseFile
    ) throws(ReleaseRefusal) {
        guard header.name == name else {
            throw ReleaseRefusal(.wrongName, file.name, "it is of \(header.name), not of \(name)")
        }
        if let version, header.version != version {
            throw ReleaseRefusal(.wrongVersion, file.name, "it is version \(header.version), not \(version)")
        }
    }

    static func freshness(_ header: ReleaseHeader, at now: Timestamp, _ file: ReleaseFile) throws(ReleaseRefusal) {
        guard header.expires > now else {
            throw ReleaseRefusal(
                .expired, file.name,
                "it was valid until \(ReleaseMoment.text(header.expires)), now it is \(ReleaseMoment.text(now)); "
                    + "newer news may be withheld, or the project renewed nothing")
        }
    }

    /// What a file above names, against what one before it named.
    static func advance(
        from old: ReleaseReference, to new: ReleaseReference, of role: ReleaseRole, _ file: ReleaseFile
    ) throws(ReleaseRefusal) {
        guard new.version >= old.version else {
            throw ReleaseRefusal(
                .rollback, file.name,
                "it names version \(new.version) of \(role.rawValue), after version \(old.version) was believed")
        }
        guard new.version > old.version || new == old else {
            throw ReleaseRefusal(
                .rewritten, file.name, "it names another content for version \(old.version) of \(role.rawValue)")
        }
    }

    static func advance(
        from old: SignedText, _ oldVersion: Int64, to new: SignedText, _ newVersion: Int64, _ file: ReleaseFile
    ) throws(ReleaseRefusal) {
        guard newVersion >= oldVersion else {
            throw ReleaseRefusal(
                .rollback, file.name, "it is version \(newVersion), after version \(oldVersion) was believed")
        }
        guard newVersion > oldVersion || old.text == new.text else {
            throw ReleaseRefusal(.rewritten, file.name, "it has another content than version \(oldVersion) had")
        }
    }

    static func short(_ key: VerifyingKey) -> String { String(Hex.encode(key.rawRepresentation).prefix(16)) }
}
