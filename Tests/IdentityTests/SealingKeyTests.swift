import Digests
import Testing

@testable import Identity

@Suite("Sealing")
struct SealingKeyTests {
    @Test("what is sealed opens with its key alone, unchanged alone")
    func sealing() throws {
        let key = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32))).custodyKey
        let other = try #require(SigningKey(seed: [UInt8](repeating: 2, count: 32))).custodyKey
        let secret = Array("a seed".utf8)
        let sealed = key.seal(secret)
        #expect(key.open(sealed) == secret)
        #expect(key.seal(secret) != sealed)
        #expect(other.open(sealed) == nil)
        for place in sealed.indices {
            var changed = sealed
            changed[place] ^= 1
            #expect(key.open(changed) == nil)
        }
        for length in 0..<sealed.count { #expect(key.open(Array(sealed[..<length])) == nil) }
        #expect(key.open(key.seal([])) == [])
        #expect("\(key)" == "SealingKey")
    }

    @Test("a stretched passphrase is the same for the same salt, and its halves have nothing in common")
    func stretching() throws {
        let salt = [UInt8](repeating: 3, count: 16)
        let parameters = try #require(PassphraseParameters(salt: salt, operations: 1, memoryBytes: 8 << 10))
        let one = try #require(StretchedPassphrase("nine bees", parameters))
        let again = try #require(StretchedPassphrase("nine bees", parameters))
        let other = try #require(StretchedPassphrase("ten bees", parameters))
        #expect(one.verifier == again.verifier && one.verifier != other.verifier)
        #expect(again.sealingKey.open(one.sealingKey.seal([1, 2])) == [1, 2])
        #expect(other.sealingKey.open(one.sealingKey.seal([1, 2])) == nil)
    }

    @Test("costs that no node would have chosen are refused before memory is taken")
    func costs() {
        let salt = [UInt8](repeating: 3, count: 16)
        #expect(PassphraseParameters(salt: [1], operations: 2, memoryBytes: 64 << 20) == nil)
        #expect(PassphraseParameters(salt: salt, operations: 0, memoryBytes: 64 << 20) == nil)
        #expect(PassphraseParameters(salt: salt, operations: 2, memoryBytes: 1 << 40) == nil)
        #expect(PassphraseParameters(salt: salt, operations: 1 << 40, memoryBytes: 64 << 20) == nil)
        #expect(PassphraseParameters.interactive().salt.count == 16)
    }
}
