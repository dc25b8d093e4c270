/// The licences that a project may name, by their SPDX identifiers (https://spdx.org/licenses).
public enum Licences {
    /// Open data, open content and open source, in alphabetical order.
    public static let identifiers = [
        "0BSD", "AFL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "Artistic-2.0", "BSD-1-Clause",
        "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CAL-1.0", "CC-BY-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0",
        "CC-BY-4.0", "CC-BY-NC-3.0", "CC-BY-NC-4.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0",
        "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC-PDDC", "CC0-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0",
        "CDLA-Sharing-1.0", "CECILL-2.1", "CECILL-B", "CECILL-C", "ECL-2.0", "EPL-2.0", "EUPL-1.1", "EUPL-1.2",
        "FSFAP", "GFDL-1.3-only", "GFDL-1.3-or-later", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only",
        "GPL-3.0-or-later", "ISC", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later",
        "MIT", "MIT-0", "MPL-2.0", "MS-PL", "MulanPSL-2.0", "NCSA", "NIST-PD", "O-UDA-1.0", "ODC-By-1.0",
        "ODbL-1.0", "OGL-UK-3.0", "OSL-3.0", "PDDL-1.0", "PostgreSQL", "Python-2.0", "UPL-1.0", "Unicode-3.0",
        "Unlicense", "W3C", "WTFPL", "Zlib", "etalab-2.0",
    ]

    /// - Returns: the identifier as SPDX writes it; identifiers are compared without case.
    static func canonical(_ word: String) -> String? {
        let lowered = word.lowercased()
        return identifiers.first { $0.lowercased() == lowered }
    }
}
