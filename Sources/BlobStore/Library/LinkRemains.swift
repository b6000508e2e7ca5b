import Digests
import SystemPackage

/// Hidden names that a killed `link` or `unlink` left in a folder. Blocks.
///
/// A copy under way is worth nothing. A name for an exchange may be the last one of a file that another program put there
/// in the last instant, so it goes only when its file has other names, or its bytes are the blob that it should be and
/// that blob's file is there.
struct LinkRemains {
    /// Whether a file of the library holds the blob, in so many bytes.
    let isHeld: (Hash32, UInt64) throws(BlobError) -> Bool
    /// Told of a file with other names, which one name less has changed the time of change of.
    let onFewerNames: (_ hash: Hash32, _ before: FileIdentity, _ after: FileIdentity) throws(BlobError) -> Void

    /// Removes what can go; what cannot.
    func clear(_ folder: FilePath) throws(BlobError) -> [FilePath] {
        var kept: [FilePath] = []
        guard let names = try? Files.names(in: folder) else { return kept }
        for name in names where name.hasPrefix(".") {
            let path = folder.appending(name)
            if name.hasSuffix(FileLinking.copySuffix), hash(name, FileLinking.copySuffix) != nil {
                try Files.remove(path)
            } else if let hash = hash(name, FileLinking.linkSuffix) {
                if try !clear(path, hash) { kept.append(path) }
            }
        }
        return kept
    }

    private func hash(_ name: String, _ suffix: String) -> Hash32? {
        guard name.hasSuffix(suffix) else { return nil }
        return Hash32(canonicalHex: String(name.dropFirst().dropLast(suffix.utf8.count)))
    }

    /// False when the name must stay.
    private func clear(_ path: FilePath, _ hash: Hash32) throws(BlobError) -> Bool {
        guard try FileLinking.entry(path) != nil else { return false }
        let file = try OpenFile(reading: path)
        let before = try file.identity()
        if try file.nameCount() > 1 {
            try Files.remove(path)
            try onFewerNames(hash, before, try file.identity())
            return true
        }
        guard try isHeld(hash, before.size), try digest(file) == hash else { return false }
        try Files.remove(path)
        return true
    }

    private func digest(_ file: OpenFile) throws(BlobError) -> Hash32 {
        let digest = SHA256()
        let buffer = ChunkBuffer(byteCount: HashingPass.chunkBytes)
        var offset: UInt64 = 0
        while case let count = try buffer.fill(from: file, at: offset), count > 0 {
            digest.update(buffer.bytes(0..<count))
            offset += UInt64(count)
        }
        return digest.finalize()
    }
}
