import Digests
import Formats
import Foundation
import Testing
import WaggleProtocol

@Suite("Torrents and Metalinks")
struct TorrentTests {
    // MARK: Bencode

    @Test(
        "values and their bytes",
        arguments: [
            (.integer(0), "i0e"), (.integer(-42), "i-42e"), (.integer(.max), "i9223372036854775807e"),
            (.integer(.min), "i-9223372036854775808e"), (.text(""), "0:"), (.text("größe"), "7:größe"),
            (.list([]), "le"),
            (.list([.integer(1), .list([.text("a")])]), "li1el1:aee"), (.dictionary([]), "de"),
            (.dictionary([("b", .integer(2)), ("a", .text("x")), ("", .list([]))]), "d0:le1:a1:x1:bi2ee"),
        ] as [(Bencode, String)])
    func bencode(value: Bencode, text: String) throws {
        #expect(String(decoding: value.encoded, as: UTF8.self) == text)
        #expect(try Bencode(Array(text.utf8)) == value)
    }

    @Test(
        "what has a second way to be written, or none, is refused",
        arguments: [
            ("", .cut(offset: 0)), ("i", .cut(offset: 1)), ("i1", .cut(offset: 1)), ("ie", .badNumber(offset: 1)),
            ("i-e", .badNumber(offset: 1)), ("i-0e", .badNumber(offset: 1)), ("i007e", .badNumber(offset: 1)),
            ("i+1e", .badNumber(offset: 1)), ("i 1e", .badNumber(offset: 1)), ("i1.5e", .badNumber(offset: 1)),
            ("i9223372036854775808e", .badNumber(offset: 1)), ("i99999999999999999999999e", .badNumber(offset: 1)),
            ("4:abc", .cut(offset: 0)), ("-1:", .unexpected(offset: 0)), ("01:a", .badNumber(offset: 0)),
            ("9999999999999999999:a", .badNumber(offset: 0)), ("1a", .cut(offset: 0)), ("x", .unexpected(offset: 0)),
            ("l", .cut(offset: 1)), ("li1e", .cut(offset: 4)), ("di1ei2ee", .unexpected(offset: 1)),
            ("d1:b1:x1:a1:xe", .keyOrder(offset: 7)), ("d1:a1:x1:a1:xe", .keyOrder(offset: 7)),
            ("d1:ae", .unexpected(offset: 4)), ("i1ei2e", .trailing(offset: 3)),
        ] as [(String, BencodeError)])
    func refused(text: String, error: BencodeError) {
        #expect(throws: error) { try Bencode(Array(text.utf8)) }
    }

    @Test("depth, count and size have limits")
    func limits() {
        let deep = [UInt8](repeating: UInt8(ascii: "l"), count: 100_000)
        #expect(throws: BencodeError.tooDeep(limit: Limits.Torrent.depth)) { try Bencode(deep) }
        let many = Array("l".utf8) + [UInt8](repeatElement(Array("le".utf8), count: Limits.Torrent.values).joined())
        #expect(throws: BencodeError.tooManyValues(limit: Limits.Torrent.values)) { try Bencode(many) }
        let large = [UInt8](repeating: 0, count: Limits.Torrent.bytes + 1)
        #expect(throws: BencodeError.tooLarge(bytes: large.count, limit: Limits.Torrent.bytes)) { try Bencode(large) }
    }

    @Test("damaged torrents are read or refused, and what is read is written the same", arguments: [1, 2] as [UInt64])
    func damaged(seed: UInt64) throws {
        var random = Seeded(seed)
        let whole = try [UInt8](#require(Self.vectors().cases.first).torrent)
        for _ in 0..<3000 {
            let bytes = random.mutated(whole)
            guard let value = try? Bencode(bytes) else { continue }
            #expect(value.encoded == bytes, "seed \(seed)")
        }
    }

    // MARK: Torrents

    private struct Vectors: Decodable {
        struct Case: Decodable {
            let size: Int
            let name: String
            let sha256: Hash32
            let pieces_root: Hash32
            let web_seeds: [String]
            let info_hash_v1: String
            let info_hash_v2: Hash32
            let torrent: Data
        }
        let cases: [Case]
    }

    private static func vectors(here: String = #filePath) throws -> Vectors {
        let url = URL(fileURLWithPath: here).deletingLastPathComponent()
            .appendingPathComponent("../../Protocol/vectors/torrent.json")
        return try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: url))
    }

    @Test("the canonical torrent is that of the vectors, byte for byte")
    func canonical() throws {
        for vector in try Self.vectors().cases {
            let bytes = (0..<vector.size).map { UInt8($0 % 251) }
            let digests = bytes.withUnsafeBytes { FileHasher.digests(of: $0) }
            #expect(digests.sha256 == vector.sha256)
            #expect(digests.piecesRoot == vector.pieces_root)
            var pieces = PieceDigests()
            bytes.withUnsafeBytes { pieces.append($0) }
            let torrent = try #require(
                HybridTorrent(
                    name: vector.name, size: digests.size, piecesRoot: digests.piecesRoot, layer: digests.layer,
                    sha1: pieces.sha1))
            #expect(torrent.file(webSeeds: vector.web_seeds) == [UInt8](vector.torrent), "\(vector.size) bytes")
            #expect(Hex.encode(torrent.infoHashV1) == vector.info_hash_v1)
            #expect(torrent.infoHashV2 == vector.info_hash_v2)
            let read = try Bencode(torrent.file(webSeeds: []))
            #expect(read["info"] == torrent.info)
            #expect(read["info"]?["piece length"] == .integer(1 << 20))
        }
    }

    @Test("an empty file and hashes that do not fit make no torrent")
    func none() {
        let root = SHA256.hash([UInt8]())
        #expect(
            HybridTorrent(name: "a", size: 0, piecesRoot: root, layer: [root], sha1: Array(repeating: 0, count: 20))
                == nil)
        #expect(HybridTorrent(name: "a", size: 5, piecesRoot: root, layer: [root], sha1: []) == nil)
        #expect(
            HybridTorrent(
                name: "a", size: 2 << 20, piecesRoot: root, layer: [root], sha1: Array(repeating: 0, count: 40)) == nil)
    }

    // MARK: Pieces

    @Test("pieces have the plain SHA-1 and SHA-256 of their bytes, in portions of any whole number")
    func pieces() throws {
        let unit = MerkleTree.unitBytes
        let bytes = (0..<5 * unit + 77).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 11) }
        var all = PieceDigests()
        var split = PieceDigests()
        bytes.withUnsafeBytes { buffer in
            all.append(buffer)
            split.append(UnsafeRawBufferPointer(rebasing: buffer[..<(2 * unit)]))
            split.append(UnsafeRawBufferPointer(rebasing: buffer[(2 * unit)...]))
        }
        #expect(all == split)
        #expect(all.count == 6)
        let last = Array(bytes[(5 * unit)...])
        #expect(all.sha256List[5] == SHA256.hash(last))
        #expect(all.sha256List[3] == SHA256.hash(Array(bytes[3 * unit..<4 * unit])))
        #expect(Array(all.sha1.suffix(20)) == last.withUnsafeBytes { SHA1.hash($0) })
        #expect(PieceDigests(sha1: all.sha1, sha256: all.sha256) == all)
        #expect(PieceDigests(sha1: all.sha1.dropLast(), sha256: all.sha256) == nil)
    }

    // MARK: Metalink

    @Test("a Metalink says what programs need, and names cannot break out of it")
    func metalink() {
        let hash = SHA256.hash([UInt8](repeating: 1, count: 5))
        let metalink = Metalink(
            name: "a \"b\" <c> & \u{1}.bin", size: 2_000_000, sha256: hash, pieces: [hash, .zero],
            urls: ["https://one.example/a?x=1&y=2", "https://two.example/"], torrent: "https://one.example/t",
            generator: "waggle/test")
        #expect(
            String(decoding: metalink.file, as: UTF8.self) == """
                <?xml version="1.0" encoding="UTF-8"?>
                <metalink xmlns="urn:ietf:params:xml:ns:metalink">
                  <generator>waggle/test</generator>
                  <file name="a &quot;b&quot; &lt;c&gt; &amp; ?.bin">
                    <size>2000000</size>
                    <hash type="sha-256">\(hash)</hash>
                    <pieces length="1048576" type="sha-256">
                      <hash>\(hash)</hash>
                      <hash>\(Hash32.zero)</hash>
                    </pieces>
                    <url priority="1">https://one.example/a?x=1&amp;y=2</url>
                    <url priority="2">https://two.example/</url>
                    <metaurl mediatype="torrent" priority="1">https://one.example/t</metaurl>
                  </file>
                </metalink>

                """)
    }
}
