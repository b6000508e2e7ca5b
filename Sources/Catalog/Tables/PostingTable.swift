import FoundationEssentials
import GRDB
import Statements

/// For each term the places of the models that have it: posting lists, from which the models of a query are put together.
///
/// A list is kept in blocks of neighbouring places, because one model changes one block of each of its terms, and read
/// in the snapshot that everything else is read in.
enum PostingTable {
    static let schema = """
        CREATE TABLE postings (
            term INTEGER NOT NULL,             -- TermNumber
            block INTEGER NOT NULL,            -- the models' places divided by PostingBlock.size
            models BLOB NOT NULL,              -- PostingBlock
            PRIMARY KEY (term, block)
        ) WITHOUT ROWID;
        """
}

/// Which of 4096 neighbouring places belong to models with a term: one bit each.
struct PostingBlock {
    static let size: Int32 = 4096
    /// Words of 64 bits.
    static let wordCount = Int(size) / 64
    /// Bytes of the form with all bits; what is shorter is a list.
    private static let mapBytes = Int(size) / 8

    private(set) var words = [UInt64](repeating: 0, count: wordCount)

    init() {}

    /// The stored form, little-endian: the numbers of the bits in their order, 16 bits each, or, where that would be no
    /// shorter, all bits.
    init(_ bytes: UnsafeRawBufferPointer) {
        words.withUnsafeMutableBufferPointer { Self.read(bytes, into: $0) }
    }

    /// - Parameter words: zeroes.
    static func read(_ bytes: UnsafeRawBufferPointer, into words: UnsafeMutableBufferPointer<UInt64>) {
        if bytes.count >= mapBytes {
            for index in 0..<wordCount {
                words[index] = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
            }
        } else {
            for index in 0..<bytes.count / 2 {
                let bit = Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)))
                words[bit / 64 % wordCount] |= 1 << UInt64(bit % 64)
            }
        }
    }

    subscript(index: Int) -> Bool {
        get { words[index / 64] & 1 << UInt64(index % 64) != 0 }
        set {
            let bit: UInt64 = 1 << UInt64(index % 64)
            if newValue { words[index / 64] |= bit } else { words[index / 64] &= ~bit }
        }
    }

    mutating func formUnion(_ other: PostingBlock) {
        for index in words.indices { words[index] |= other.words[index] }
    }

    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    var bytes: Data {
        var data = Data(capacity: Self.mapBytes)
        if 2 * count >= Self.mapBytes {
            for word in words { withUnsafeBytes(of: word.littleEndian) { data.append(contentsOf: $0) } }
        } else {
            for (index, word) in words.enumerated() {
                var rest = word
                while rest != 0 {
                    let bit = UInt16(64 * index + rest.trailingZeroBitCount)
                    withUnsafeBytes(of: bit.littleEndian) { data.append(contentsOf: $0) }
                    rest &= rest - 1
                }
            }
        }
        return data
    }
}

/// One block of one list.
struct PostingKey: Hashable {
    let term: TermNumber
    let block: Int32
}

extension Projection {
    /// Says that the model at a place has a term from now on, or no longer; written by `finish`.
    func post(_ term: TermNumber, _ place: Int32, _ isMember: Bool) {
        let key = PostingKey(term: term, block: place / PostingBlock.size)
        postingChanges[key, default: [:]][place % PostingBlock.size] = isMember
    }

    func writePostings() throws {
        var emptied: Set<TermNumber> = []
        let changes = postingChanges.sorted {
            ($0.key.term.value, $0.key.block) < ($1.key.term.value, $1.key.block)
        }
        for (key, members) in changes {
            let (term, number) = (Int64(key.term.value), key.block)
            var block = PostingBlock()
            try database.scan("SELECT models FROM postings WHERE term = ? AND block = ?", [term, number]) { row in
                block = PostingBlock(row.bytes(0))
            }
            for (index, isMember) in members { block[Int(index)] = isMember }
            if block.count == 0 {
                try database.run("DELETE FROM postings WHERE term = ? AND block = ?", [term, number])
                emptied.insert(key.term)
            } else {
                try database.run(
                    """
                    INSERT INTO postings (term, block, models) VALUES (?, ?, ?)
                    ON CONFLICT DO UPDATE SET models = excluded.models
                    """, [term, number, block.bytes])
            }
        }
        postingChanges = [:]
        for term in emptied where try !database.exists("SELECT 1 FROM postings WHERE term = ?", [Int64(term.value)]) {
            try removeTermName(term)
        }
    }
}
