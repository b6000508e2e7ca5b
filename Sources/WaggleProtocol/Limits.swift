/// Every limit of the protocol and of the node in one table. Each is enforced where the bytes enter, and refused with a
/// typed error. Sizes are bytes, times are seconds unless the name says otherwise.
public enum Limits {
    /// Signed posts.
    public enum Post {
        /// An envelope (payload, type and signatures).
        public static let envelopeBytes = 66 << 10
        /// The signed payload inside an envelope.
        public static let payloadBytes = 64 << 10
        /// Message nesting of a payload, unknown fields included.
        public static let nesting = 16
        /// Signatures on one envelope (key documents may carry a threshold of roots).
        public static let signatures = 16
        /// How far `created` may lie in the future.
        public static let clockSkew: UInt64 = 900
        /// A slot name.
        public static let slotBytes = 128
        /// References of one post.
        public static let refs = 256
        /// Labels of one post.
        public static let labels = 64
        /// A label.
        public static let labelBytes = 128
        /// A key document's payload.
        public static let keyDocumentBytes = 8 << 10
        /// Root keys, next-root hashes, devices and revocations of one key document, each.
        public static let keysPerDocument = 64
        /// Versions of one key chain.
        public static let keyChainVersions = 1024
        /// Files of one release.
        public static let releaseFiles = 128
        /// Images of one image post.
        public static let images = 20
        /// Mirrors named by one release.
        public static let mirrors = 32
        /// A deleted post keeps its payload so long, in case its deleting key turns out to be stolen.
        public static let deletedPayloadSeconds: UInt64 = 30 * 86400
    }

    /// Posts whose key chain is not known yet wait for it.
    public enum Parking {
        public static let seconds: UInt64 = 600
        public static let bytesPerPeer = 4 << 20
    }

    /// Node-to-node routes.
    public enum Wire {
        /// A request or reply body of the `/w/1/` routes, after decompression.
        public static let bodyBytes = 1 << 20
        public static let idsPerGet = 1000
        public static let hashesPerHave = 1000
        public static let syncMessageBytes = 256 << 10
        /// Ranges of one Negentropy message.
        public static let syncRanges = 16 << 10
        /// Bytes a stream may hold for a reader that does not keep up.
        public static let streamBacklogBytes = 8 << 20
        public static let heartbeatSeconds = 20
        /// Life of a request signature (RFC 9421 `expires` - `created`).
        public static let signatureSeconds: UInt64 = 60
        /// Accepted difference of clocks when a signed request arrives.
        public static let signatureSkew: UInt64 = 30
        /// How long a nonce is remembered.
        public static let nonceSeconds: UInt64 = 120
        public static let nonces = 1 << 18
        public static let urlBytes = 2048
    }

    /// One reconciliation with one peer, seen from the side that began it.
    public enum Reconciliation {
        /// Messages sent to a peer before it is taken to be leading us on.
        public static let rounds = 1024
        /// Ids that a peer may claim to hold and we lack; the rest is found by the next run.
        public static let neededIDs = 1 << 20
    }

    /// HTTP message signatures.
    public enum Signature {
        /// `Signature-Input` and `Signature`, each, all lines together.
        public static let headerBytes = 4096
        /// Signatures of one request.
        public static let labels = 8
        /// Covered components, and parameters, of one signature.
        public static let components = 16
        /// A nonce.
        public static let nonceBytes = 64
        /// A key id.
        public static let keyIDBytes = 128
        /// Public and listen URLs of a node; each may cost one verification.
        public static let targetURLs = 8
        /// Remembered nonces of one key id.
        public static let noncesPerKey = 1 << 14
    }

    /// Finding and dialling other nodes.
    public enum Dialling {
        /// Addresses that one name may resolve to.
        public static let addresses = 64
    }

    /// Blobs and their transfer.
    public enum Blob {
        /// Verify unit: one hash of the kept Merkle layer covers this many bytes.
        public static let unitBytes = 1 << 20
        /// Leaf of the BEP 52 Merkle tree.
        public static let leafBytes = 16 << 10
        /// Blobs up to this size are rows of a database, not files.
        public static let smallBytes = 64 << 10
        /// The largest blob: 1 TiB.
        public static let bytes: UInt64 = 1 << 40
        public static let fileNameBytes = 255
    }

    /// The blob store of one node.
    public enum BlobStore {
        /// Bytes of one read into memory.
        public static let readBytes = 64 << 20
        /// Small blobs of one group commit.
        public static let groupCommit = 256
        /// Unsaved bytes of a partial blob after which its units are written down.
        public static let checkpointBytes = 64 << 20
        /// Milliseconds after which a partial blob's units are written down.
        public static let checkpointMilliseconds: Int64 = 2_000
        /// Bytes hashed in place after which an interrupted pass can go on from there.
        public static let hashingCheckpointBytes: UInt64 = 1 << 30
        /// How long evicted bytes stay restorable, in milliseconds.
        public static let trashMilliseconds: Int64 = 24 * 3_600_000
        /// Parts of the budget in percent: eviction starts above the first and stops at the second.
        public static let highMark: UInt64 = 90
        public static let lowMark: UInt64 = 80
        /// Reason and author of a purge, each.
        public static let purgeTextBytes = 512
        /// Holder of a lease, id of a mirror rule or bounty.
        public static let holderBytes = 128
    }

    /// What people type.
    public enum Text {
        public static let nameBytes = 200
        public static let descriptionBytes = 48 << 10
        public static let tags = 32
        public static let tagBytes = 64
        public static let triggerWords = 64
        public static let triggerWordBytes = 512
        public static let commentBytes = 16 << 10
        public static let searchBytes = 256
    }

    /// safetensors headers.
    public enum Safetensors {
        /// The JSON header; the reference implementation's own limit.
        public static let headerBytes: UInt64 = 100_000_000
        public static let tensors = 100_000
        /// Dimensions of one tensor. Trained models use up to 5.
        public static let dimensions = 8
        /// Entries of `__metadata__`. Trainers write about 80.
        public static let metadataEntries = 16_384
    }

    /// Text that pictures carry: PNG chunks, infotext, workflow graphs.
    public enum PictureText {
        public static let chunks = 65_536
        /// All text chunks of one picture together.
        public static let bytes = 4 << 20
        /// One A1111 infotext.
        public static let infotextBytes = 256 << 10
        /// One ComfyUI `prompt` graph.
        public static let graphBytes = 1 << 20
        public static let graphNodes = 4096
        /// Links followed from one input before the walk gives up.
        public static let graphDepth = 256
        /// JSON nesting and number of values in anything a picture carries.
        public static let jsonDepth = 64
        public static let jsonValues = 200_000
        /// Resources of one recipe.
        public static let resources = 256
    }

    /// What a release form is drafted with.
    public enum Draft {
        /// JSON inside one metadata value (tag counts of a data set).
        public static let metadataJSONBytes = 16 << 20
        public static let metadataJSONValues = 500_000
        public static let triggerCandidates = 64
        /// One training detail.
        public static let detailBytes = 1024
        /// Tensor names longer than this are not looked at.
        public static let tensorNameBytes = 1024
    }
}
