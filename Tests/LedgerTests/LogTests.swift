import Digests
import Foundation
import Identity
import Testing

@testable import Ledger

@Suite("The log of an authority")
struct LogTests {
    /// RFC 6962 section 2.1, word for word.
    private func root(_ leaves: ArraySlice<Hash32>) -> Hash32 {
        guard leaves.count > 1 else { return leaves.first ?? SHA256.hash([]) }
        var split = 1
        while split * 2 < leaves.count { split *= 2 }
        return LogTree.node(root(leaves.prefix(split)), root(leaves.dropFirst(split)))
    }

    private func leaves(_ count: Int) -> [Hash32] {
        (0..<count).map { LogTree.leaf(Array("entry \($0)".utf8)) }
    }

    @Test("roots are those of RFC 6962, and a tree goes on from its stored tiles")
    func roots() throws {
        let leaves = leaves(1400)
        var tree = LogTree()
        var tiles: [LogTree.Tile] = []
        for (count, leaf) in leaves.enumerated() {
            if count % 97 == 0 || count < 20 || count % 256 < 2 { #expect(tree.root == root(leaves.prefix(count))) }
            tiles += tree.append(leaf)
        }
        #expect(tree.root == root(leaves[...]))
        #expect(tiles.count == 5 && tiles.allSatisfy { $0.level == 0 && $0.hashes.count == 256 })
        let again = LogTree(size: 1400) { level, count in
            level == 0
                ? Array(leaves.suffix(count)) : tiles.prefix(count).map { LogTree.root(of: $0.hashes[...]) }
        }
        #expect(again == tree)
    }

    @Test("the vectors of RFC 9162's reference tree: an empty one, one entry, and eight")
    func known() {
        let entries = [
            "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
        ]
        var tree = LogTree()
        #expect(tree.root.hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        for entry in entries {
            _ = tree.append(LogTree.leaf(Hex.decode(entry, count: entry.utf8.count / 2)!))
            if tree.size == 1 {
                #expect(tree.root.hex == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")
            }
        }
        #expect(tree.root.hex == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")
    }

    @Test("every entry and every earlier tree is proved, and nothing else is")
    func proofs() throws {
        let leaves = leaves(70)
        func subtree(_ level: Int, _ index: UInt64) -> Hash32 {
            root(leaves[(Int(index) << level)..<(Int(index + 1) << level)])
        }
        for size in 1...70 {
            let whole = root(leaves.prefix(size))
            for index in 0..<size {
                let proof = try LogProof.inclusion(UInt64(index), size: UInt64(size), subtree: subtree)
                let size = UInt64(size)
                #expect(LogProof.root(of: leaves[index], at: UInt64(index), size: size, proof) == whole)
                #expect(LogProof.root(of: leaves[index], at: UInt64(index), size: size, proof + [.zero]) != whole)
                #expect(
                    LogProof.root(of: leaves[69 - index], at: UInt64(index), size: size, proof) != whole
                        || index * 2 == 69)
            }
            for old in 0...size {
                let proof = try LogProof.consistency(old: UInt64(old), size: UInt64(size), subtree: subtree)
                let before = root(leaves.prefix(old))
                func holds(_ before: Hash32, _ after: Hash32, _ proof: [Hash32]) -> Bool {
                    LogProof.isConsistent(old: UInt64(old), before, size: UInt64(size), after, proof)
                }
                #expect(holds(before, whole, proof), "\(old) of \(size)")
                if old > 0 {
                    #expect(!holds(.zero, whole, proof), "\(old) of \(size)")
                    #expect(!holds(before, .zero, proof), "\(old) of \(size)")
                    #expect(!holds(before, whole, proof + [.zero]), "\(old) of \(size)")
                }
            }
        }
        #expect(LogProof.root(of: leaves[0], at: 5, size: 5, []) == nil)
        #expect(!LogProof.isConsistent(old: 6, .zero, size: 5, .zero, []))
    }

    @Test("a checkpoint is read as it was written, and its note is signed, cosigned and refused when changed")
    func checkpoint() throws {
        let key = TestCurrency.key("a0")
        let checkpoint = LedgerCheckpoint(
            currency: Hash32(words: (1, 2, 3, 4)), authority: key.publicKey, size: 7, root: TestCurrency.id("root"),
            epoch: 3, stateRoot: TestCurrency.id("state"), issued: 900, burned: 5, held: 40)
        #expect(LedgerCheckpoint(text: checkpoint.text) == checkpoint)
        var note = SignedNote(text: checkpoint.text)
        note.sign(as: checkpoint.origin, key)
        note.cosign(as: "w.example", TestCurrency.key("w"), time: 1_800_000_000)
        let read = try #require(SignedNote(encoded: note.encoded))
        #expect(read == note)
        #expect(read.isSigned(as: checkpoint.origin, by: key.publicKey))
        #expect(!read.isSigned(as: checkpoint.origin, by: TestCurrency.id("a1")))
        #expect(read.cosigned(as: "w.example", by: TestCurrency.id("w")) == 1_800_000_000)
        let changed = try #require(SignedNote(encoded: note.encoded.replacing("supply 900", with: "supply 901")))
        #expect(!changed.isSigned(as: checkpoint.origin, by: key.publicKey))
        #expect(changed.cosigned(as: "w.example", by: TestCurrency.id("w")) == nil)
        for bad in ["", "text", "text\n\n", "text\n\nno signature\n", note.encoded + "\n"] {
            #expect(SignedNote(encoded: bad) == nil, "\(bad)")
        }
        for bad in ["7\n", "07\n", "-7\n", "9223372036854775808\n"] where bad != "7\n" {
            #expect(LedgerCheckpoint(text: checkpoint.text.replacing("\n7\n", with: "\n" + bad)) == nil)
        }
    }

    @Test("the root over a state depends on what is there, and follows every change", arguments: [UInt64(3)])
    func stateRoot(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var state = LedgerState()
        _ = state.takeChanges()
        var tree = StateTree(state)
        #expect(tree.root() == .zero)
        var seen: Set<Hash32> = []
        for _ in 0..<300 {
            // Names that share many bits, too.
            let word: UInt64 = random.chance(0.5) ? random.next() : 0xABCD_EF01_2345_6789
            let name = Hash32(
                words: (word, random.chance(0.5) ? random.next() : 5, 0, .random(in: 0...7, using: &random)))
            if random.chance(0.2), let hold = state.holds.keys.sorted().first {
                state.holds[hold] = nil
                tree.update(.init(holds: [hold]), from: state)
            } else if random.chance(0.5) {
                state.accounts[name, default: .init(key: name)].balance += 1
                tree.update(.init(accounts: [name]), from: state)
            } else {
                let name = Hash32(words: (name.words.0, name.words.1, 1, name.words.3))
                state.holds[name] = .init(payer: name, amount: 1, resolver: name, payees: [name], expiry: 2)
                tree.update(.init(holds: [name]), from: state)
            }
            var fresh = StateTree(state)
            #expect(tree.root() == fresh.root(), "seed \(seed)")
            seen.insert(tree.root())
        }
        #expect(seen.count > 250, "seed \(seed)")
    }

    @Test("the root stays that of what is there while thousands come and go")
    func stateRootOfMany() throws {
        var random = SplitMix(seed: 11)
        var state = LedgerState()
        var tree = StateTree(state)
        var names: [Hash32] = []
        for round in 0..<12 {
            var changed: Set<Hash32> = []
            for _ in 0..<500 {
                let name = Hash32(words: (random.next(), 1, 2, 3))
                names.append(name)
                changed.insert(name)
                state.holds[name] = .init(payer: name, amount: 1, resolver: name, payees: [name], expiry: 2)
            }
            for _ in 0..<round * 20 {
                let name = names[.random(in: 0..<names.count, using: &random)]
                changed.insert(name)
                state.holds[name] = nil
            }
            tree.update(.init(holds: changed), from: state)
            var fresh = StateTree(state)
            #expect(tree.root() == fresh.root(), "round \(round)")
        }
        tree.update(.init(holds: Set(names)), from: LedgerState())
        #expect(tree.root() == .zero)
    }
}
