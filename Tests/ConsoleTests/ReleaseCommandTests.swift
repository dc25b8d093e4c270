import Bytes
import Console
import Domain
import Foundation
import Releases
import Testing

@Suite struct ReleaseCommandTests {
    private static let now = Timestamp(seconds: 1_800_000_000)

    private func run(
        json: Bool = false, _ command: (CommandContext) throws(Fault) -> Int32
    ) -> (code: Int32, screen: Recorder) {
        let recorder = Recorder()
        return (CommandContext(screen: recorder, asJSON: json).run(command), recorder)
    }

    /// A folder with three root keys, of which two must sign, and a program.
    private struct Place {
        let folder: TemporaryFolder
        var releases: String { folder.path + "/releases" }
        var keys: String { folder.path + "/keys" }

        func admin(daysLater: Int64 = 0) -> ReleaseAdmin {
            ReleaseAdmin(
                folder: releases + "/",
                now: Timestamp(seconds: ReleaseCommandTests.now.milliseconds / 1000 + daysLater * 86_400))
        }
    }

    private func with(_ body: (Place) throws -> Void) throws {
        try TemporaryFolder.with { folder in
            let place = Place(folder: folder)
            let (code, screen) = run { (context) throws(Fault) in
                try place.admin().begin(
                    name: "example", keys: place.keys, rootKeys: 3, rootThreshold: 2, context)
            }
            #expect(code == 0 && screen.out == "written: 1.root, 1.targets, 1.snapshot, timestamp\n")
            try folder.write("solver", "#!/bin/sh\necho 42\n")
            try body(place)
        }
    }

    private func add(_ place: Place, _ version: String = "1.0", _ files: [String]? = nil) -> (Int32, Recorder) {
        run { (context) throws(Fault) in
            try place.admin().add(
                "solver", version, files: files ?? ["any=\(place.folder.path)/solver"],
                layers: ["seccomp", "landlock"], interpreter: "sh", context)
        }
    }

    private func sign(_ place: Place, _ keys: [String]) -> (code: Int32, screen: Recorder) {
        run { (context) throws(Fault) in
            try place.admin().sign(keys: keys.map { "\(place.keys)/\($0).key" }, context)
        }
    }

    private func verify(_ place: Place, daysLater: Int64 = 0) -> (code: Int32, screen: Recorder) {
        run { (context) throws(Fault) in
            let now = Timestamp(seconds: Self.now.milliseconds / 1000 + daysLater * 86_400)
            return try ReleaseVerifyCommand(place: place.releases, project: nil, now: now).run(context)
        }
    }

    @Test func keysAreSecretAndInNoReleaseFolder() throws {
        try with { place in
            let names = try FileManager.default.contentsOfDirectory(atPath: place.keys).sorted()
            #expect(
                names == [
                    "root-1.key", "root-2.key", "root-3.key", "snapshot.key", "targets.key", "timestamp.key",
                ])
            for name in names {
                let mode = try FileManager.default.attributesOfItem(atPath: "\(place.keys)/\(name)")[.posixPermissions]
                #expect(mode as? Int == 0o600, "\(name)")
                let secret = try place.folder.text("keys/\(name)").split(separator: " ")[1].prefix(64)
                for file in try FileManager.default.subpathsOfDirectory(atPath: place.releases) {
                    let bytes = FileManager.default.contents(atPath: "\(place.releases)/\(file)") ?? Data()
                    #expect(!String(decoding: bytes, as: UTF8.self).contains(secret), "\(name) is in \(file)")
                }
            }
            // A key that others may read is not used.
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o644], ofItemAtPath: "\(place.keys)/root-1.key")
            let (code, screen) = sign(place, ["root-1"])
            #expect(code == FaultKind.badData.rawValue && screen.err.contains("chmod 600"))
        }
    }

    @Test func aProgramIsDraftedSignedAndVerified() throws {
        try with { place in
            let (code, screen) = add(place)
            #expect(code == 0 && screen.out.contains("to be signed: 2.targets"))
            #expect(verify(place).screen.out.contains("0 app releases"))
            let signed = sign(place, ["targets", "snapshot", "timestamp"])
            #expect(signed.screen.out == "written: 2.targets, 2.snapshot, timestamp\n")
            let verified = verify(place)
            #expect(verified.code == 0 && verified.screen.out.contains("A client believes it: 1 app release."))
            #expect(verified.screen.out.hasPrefix("root 1 of example: "))
            // Days later a client would refuse it, and after a refresh not.
            let late = verify(place, daysLater: 15)
            #expect(late.code == 1 && late.screen.out.contains("timestamp is refused (expired)"))
            let refreshed = run { (context) throws(Fault) in
                try place.admin(daysLater: 15).refresh(keys: [place.keys], context)
            }
            #expect(refreshed.screen.out == "written: timestamp\n")
            #expect(verify(place, daysLater: 15).code == 0)
        }
    }

    @Test func theSameVersionTwiceIsRefusedAndSoIsWhatIsNoProgram() throws {
        try with { place in
            #expect(add(place).0 == 0)
            let (code, screen) = add(place)
            #expect(code == 1 && screen.err.contains("a release never changes"))
            for (files, words) in [
                (["solver"], "is not PLATFORM=FILE"), (["vax=solver"], "The platforms are"),
                (["any=\(place.folder.path)/nothing"], "is no file of"), ([], "has not 1 to"),
                (["any=\(place.folder.path)/solver", "any=\(place.folder.path)/solver"], "has not 1 to"),
            ] {
                let refused = add(place, "2.0", files)
                #expect(refused.0 != 0 && refused.1.err.contains(words), "\(files): \(refused.1.err)")
            }
            let bad = run { (context) throws(Fault) in
                try place.admin().add(
                    "../x", "1", files: ["any=\(place.folder.path)/solver"], layers: [], interpreter: nil, context)
            }
            #expect(bad.code == FaultKind.usage.rawValue && bad.screen.err.contains("no app's name"))
        }
    }

    @Test func changedAndMissingProgramsAreFound() throws {
        try with { place in
            _ = add(place)
            _ = sign(place, ["targets", "snapshot", "timestamp"])
            let digest = SHA256Hash.digest(of: Array("#!/bin/sh\necho 42\n".utf8)).hex
            try place.folder.write("releases/files/\(digest)", "#!/bin/sh\necho 43\n")
            let changed = verify(place)
            #expect(changed.code == 1 && changed.screen.out.contains("solver 1.0 for any: files/\(digest) was changed"))
            try FileManager.default.removeItem(atPath: "\(place.releases)/files/\(digest)")
            #expect(verify(place).screen.out.contains("is missing"))
        }
    }

    @Test func rootKeysAreRotatedByTwoKeepersOneAfterTheOther() throws {
        try with { place in
            let made = run { (context) throws(Fault) in
                try ReleaseAdmin.makeKey("\(place.keys)/new.key", context)
            }
            let key = made.screen.out.trimmingCharacters(in: .newlines)
            #expect(made.code == 0 && key.utf8.count == 64)
            #expect(
                run { (context) throws(Fault) in try ReleaseAdmin.makeKey("\(place.keys)/new.key", context) }.code
                    == FaultKind.cannotWrite.rawValue)
            let shown = run(json: true) { (context) throws(Fault) in
                try ReleaseShowCommand(folder: place.releases, now: Self.now).run(context)
            }
            let roles = try object(shown.screen.out)["roles"] as? [[String: Any]]
            let timestamp = try #require((roles?[3]["keys"] as? [String])?.first)
            let drafted = run { (context) throws(Fault) in
                try place.admin().changeKeys(
                    .timestamp, add: [key], remove: [String(timestamp.prefix(16))], threshold: nil, context)
            }
            #expect(drafted.screen.out.contains("to be signed: 2.root"))
            let first = sign(place, ["root-1"])
            #expect(first.code == 0 && first.screen.out.contains("2.root has 1 of 2 signatures"))
            #expect(verify(place).screen.out.hasPrefix("root 1 "))
            let second = sign(place, ["root-3"])
            #expect(second.screen.out.contains("written: 2.root\n"))
            #expect(second.screen.out.contains("timestamp has 0 of 1 signatures"))
            #expect(verify(place).screen.out.contains("timestamp is refused (wrongKey)"))
            #expect(sign(place, ["new"]).screen.out == "written: timestamp\n")
            #expect(verify(place).code == 0 && verify(place).screen.out.hasPrefix("root 2 "))
        }
    }

    @Test func thresholdsThatNobodyCanReachAreRefused() throws {
        try with { place in
            for threshold in [0, 4] {
                let (code, screen) = run { (context) throws(Fault) in
                    try place.admin().changeKeys(.root, add: [], remove: [], threshold: threshold, context)
                }
                #expect(code == 1 && screen.err.contains("can't sign"))
            }
            for (add, remove, kind) in [("xyz", "", FaultKind.usage), ("", "0123", .negative), ("", "", .negative)] {
                let (code, _) = run { (context) throws(Fault) in
                    try place.admin().changeKeys(
                        .root, add: add.isEmpty ? [] : [add], remove: [remove], threshold: nil, context)
                }
                #expect(code == kind.rawValue)
            }
        }
    }

    @Test func withdrawalRenewalAndNewsOfAClientAreDrafts() throws {
        try with { place in
            _ = add(place)
            let keys = ["targets", "snapshot", "timestamp"]
            _ = sign(place, keys)
            _ = run { (context) throws(Fault) in try place.admin().announceClient("0.9.0", context) }
            _ = sign(place, keys)
            let shown = run { (context) throws(Fault) in
                try ReleaseShowCommand(folder: place.releases, now: Self.now).run(context)
            }
            #expect(shown.screen.out.contains("solver 1.0: any; needs landlock, seccomp\nnewest client: 0.9.0\n"))
            #expect(run { (context) throws(Fault) in try place.admin().withdraw("solver", "1.0", context) }.code == 0)
            #expect(run { (context) throws(Fault) in try place.admin().withdraw("solver", "1.0", context) }.code == 1)
            _ = sign(place, keys)
            #expect(verify(place).screen.out.contains("0 app releases"))
            #expect(
                run { (context) throws(Fault) in try place.admin().renew(.root, context) }.screen.out.contains("2.root")
            )
        }
    }

    @Test func whatIsNoReleaseFolderIsSaidSo() throws {
        try TemporaryFolder.with { folder in
            let place = Place(folder: folder)
            #expect(add(place).0 == FaultKind.noInput.rawValue)
            #expect(verify(place).code == FaultKind.noInput.rawValue)
            try folder.write("releases/1.root", "no root\n")
            let (code, screen) = verify(place)
            #expect(code == 1 && screen.out.contains("1.root is refused (malformed)"))
            let began = run { (context) throws(Fault) in
                try place.admin().begin(name: "example", keys: place.keys, rootKeys: 1, rootThreshold: 1, context)
            }
            #expect(began.code == FaultKind.cannotWrite.rawValue, "the folder is not empty")
        }
    }
}
