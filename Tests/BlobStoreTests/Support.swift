import Digests
import FoundationEssentials
import Glibc
import NIOCore
import Synchronization
import SystemPackage
import Testing

@testable import BlobStore

/// A home directory of its own for one test, removed with it.
final class TestHome: Sendable {
    let path: FilePath

    init() throws {
        // In memory where the system has such a place: hundreds of syncs would be waited for on a disk.
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array((parent + "/waggle-blobs-XXXXXX").utf8CString)
        let made = try #require(mkdtemp(&template))
        path = FilePath(platformString: made)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path.string)
    }

    var home: FilePath { path.appending("home") }

    func file(_ name: String) -> FilePath { path.appending(name) }

    /// Writes a file outside the store.
    @discardableResult
    func write(_ bytes: [UInt8], to name: String) throws -> FilePath {
        let file = file(name)
        try Data(bytes).write(to: URL(filePath: file.string))
        return file
    }

    func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: home.appending(folder).string).sorted()
    }
}

/// A clock that stands still until it is moved.
final class TestClock: Sendable {
    private let time = Mutex<Int64>(1_700_000_000_000)

    var now: @Sendable () -> Int64 {
        { self.time.withLock { $0 } }
    }

    var milliseconds: Int64 { time.withLock { $0 } }

    func advance(hours: Int64 = 0, milliseconds: Int64 = 0) {
        time.withLock { $0 += hours * 3_600_000 + milliseconds }
    }
}

/// Copies the home directory at the instant a step is reached: what a process killed there would leave to the next.
final class CrashCamera: Sendable {
    let home: FilePath
    private let pictures = Mutex<[Step: FilePath]>([:])

    init(_ test: TestHome) {
        home = test.home
    }

    var onStep: @Sendable (Step) -> Void {
        { step in self.take(step) }
    }

    /// The home as it was when the step was first reached.
    func picture(_ step: Step) throws -> FilePath {
        try #require(pictures.withLock { $0[step] }, "step \(step) was not reached")
    }

    private func take(_ step: Step) {
        pictures.withLock { pictures in
            guard pictures[step] == nil else { return }
            let copy = FilePath(home.string + "-at-\(step)")
            do {
                try copyTree(home, copy)
                pictures[step] = copy
            } catch {
                Issue.record(error)
            }
        }
    }
}

/// Copies a directory tree, holes and modes included.
func copyTree(_ source: FilePath, _ target: FilePath) throws {
    mkdir(target.string, 0o755)
    for name in try FileManager.default.contentsOfDirectory(atPath: source.string) {
        let from = source.appending(name)
        let to = target.appending(name)
        var status = stat()
        guard lstat(from.string, &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFDIR {
            try copyTree(from, to)
        } else {
            try FileManager.default.copyItem(atPath: from.string, toPath: to.string)
        }
    }
}

/// Bytes of a seed (SplitMix64): a random block of 4 KiB that is repeated with its number in front, so that no two blocks
/// are alike.
func randomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    let block = (0..<512).map { _ in
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        let target = UnsafeMutableRawBufferPointer(buffer)
        block.withUnsafeBytes { source in
            for start in stride(from: 0, to: count, by: 4096) {
                let part = UnsafeMutableRawBufferPointer(rebasing: target[start..<min(start + 4096, count)])
                part.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<part.count]))
                if start > 0, part.count >= 8 {
                    part.storeBytes(of: UInt64(start) ^ block[0], as: UInt64.self)
                }
            }
        }
        filled = count
    }
}

/// A blob that a test fetches.
struct TestBlob: Sendable {
    let bytes: [UInt8]
    let digests: FileDigests

    init(_ count: Int, seed: UInt64) {
        bytes = randomBytes(count, seed: seed)
        digests = bytes.withUnsafeBytes { FileHasher.digests(of: $0) }
    }

    var hash: Hash32 { digests.sha256 }

    func unit(_ unit: Int) -> [UInt8] {
        let start = unit << 20
        return Array(bytes[start..<start + MerkleTree.unitLength(unit, size: digests.size)])
    }
}

extension BlobStore {
    static func test(
        _ home: FilePath, options: StoreOptions = StoreOptions(), onStep: @escaping @Sendable (Step) -> Void = { _ in }
    ) async throws(BlobError) -> BlobStore {
        var options = options
        options.onStep = onStep
        return try await BlobStore.open(home: home, options: options)
    }

    func begin(_ blob: TestBlob) async throws(BlobError) -> PartialBlob {
        try await beginPartial(
            sha256: blob.hash, size: blob.digests.size, piecesRoot: blob.digests.piecesRoot, layer: blob.digests.layer)
    }

    func bytes(_ hash: Hash32) async throws(BlobError) -> [UInt8] {
        let reader = try await open(hash)
        return Array(try await reader.read(0..<reader.size).readableBytesView)
    }

    func presence(_ hash: Hash32) async throws(BlobError) -> Presence {
        try await presence([hash])[0]
    }
}

extension PartialBlob {
    func write(_ units: some Sequence<Int>, of blob: TestBlob) async throws(BlobError) {
        for unit in units { try await write(unit: unit, bytes: blob.unit(unit)) }
    }
}

/// Small file systems for tests of full and read-only disks; only where this account may mount.
enum Mounts {
    static let arePermitted: Bool = {
        guard let test = try? TestHome(), tmpfs(at: test.path, bytes: 1 << 20) else { return false }
        umount2(test.path.string, 2)
        return true
    }()

    static func tmpfs(at path: FilePath, bytes: Int, readOnly: Bool = false, remount: Bool = false) -> Bool {
        let flags: UInt = (readOnly ? 1 : 0) | (remount ? 32 : 0)
        return "size=\(bytes)".withCString { mount("tmpfs", path.string, "tmpfs", flags, $0) } == 0
    }

    /// Runs `body` with a small file system at a new home directory.
    static func withTmpfs(bytes: Int, _ body: (TestHome) async throws -> Void) async throws {
        let test = try TestHome()
        mkdir(test.home.string, 0o755)
        try #require(tmpfs(at: test.home, bytes: bytes))
        defer { umount2(test.home.string, 2) }
        try await body(test)
    }
}

/// Records the values of a callback.
final class Recorder<Value: Sendable>: Sendable {
    private let recorded = Mutex<[Value]>([])

    var values: [Value] { recorded.withLock { $0 } }

    func record(_ value: Value) {
        recorded.withLock { $0.append(value) }
    }
}
