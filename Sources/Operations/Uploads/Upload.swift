public import Digests
public import SystemPackage

/// A file that somebody brings over the web, a part at a time.
public struct Upload: Sendable, Hashable {
    /// 32 hexadecimal digits.
    public let id: String
    /// As its sender calls it.
    public let name: String
    /// Bytes that it will have.
    public let size: UInt64
    /// What its sender says its SHA-256 is; checked when all bytes are here.
    public let sha256: Hash32?
    /// Bytes that are here.
    public let offset: UInt64
    /// All bytes were here, are on the disk, and have the SHA-256 that was named.
    public let isVerified: Bool
    /// Unix seconds; then it is dropped.
    public let expires: UInt64
    /// Where it lies, under its own name.
    public let path: FilePath

    /// May be published. All bytes alone are not enough: nobody has looked at them yet.
    public var isComplete: Bool { offset == size && isVerified }
}

/// Why an upload does not go on.
public enum FileUploadError: Error, Equatable, Sendable {
    case notFound
    /// It goes on at another place.
    case wrongOffset(expected: UInt64)
    /// Another request writes to it.
    case busy
    /// More bytes than it was begun with.
    case tooLong
    /// What is here is not what its sender says.
    case hashMismatch
    case badName
    case empty
    case overQuota(bytes: UInt64)
    case tooMany(Int)
    /// Less would be left free than the operator wants, what other uploads still need counted in.
    case diskFull
    case failed(String)

    public var code: String {
        switch self {
        case .notFound: "not-found"
        case .wrongOffset: "wrong-offset"
        case .busy: "upload-busy"
        case .tooLong: "upload-too-long"
        case .hashMismatch: "hash-mismatch"
        case .badName: "bad-name"
        case .empty: "empty-file"
        case .overQuota: "over-quota"
        case .tooMany: "too-many-uploads"
        case .diskFull: "no-room"
        case .failed: "unavailable"
        }
    }

    public var message: String {
        switch self {
        case .notFound: "There is no such upload of yours; it may have expired"
        case .wrongOffset(let expected): "The upload goes on at byte \(expected)"
        case .busy: "Another request writes to this upload; ask where it is and go on"
        case .tooLong: "These are more bytes than the upload was begun with"
        case .hashMismatch: "The bytes do not have the SHA-256 that was named; begin the upload again"
        case .badName: "A file's name has 1 to 255 bytes and no slash in it"
        case .empty: "A file has at least one byte"
        case .overQuota(let bytes): "All unfinished uploads of one account together have at most \(bytes) bytes"
        case .tooMany(let count): "One account has at most \(count) uploads at a time; publish or delete some"
        case .diskFull:
            "This node's disk has no room for the file; delete uploads that you do not need, or ask its operator to make room"
        case .failed(let reason): reason
        }
    }
}
