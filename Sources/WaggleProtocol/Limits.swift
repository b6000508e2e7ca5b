/// Every limit of the protocol and of the node in one table, which goes on in the files `Limits+….swift`. Each is enforced where
/// the bytes enter, and refused with a typed error. Sizes are bytes, times are seconds unless the name says otherwise.
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
        /// `created` and `expires` lie before this time, so that they are exact in any number format.
        public static let timeEnd: UInt64 = 1 << 53
        /// How far `created` may lie in the future.
        public static let clockSkew: UInt64 = 900
        /// Items of one collection, and authors of one follow list.
        public static let collectionItems = 1500
        public static let follows = 1200
        /// Resources of one image's recipe.
        public static let recipeResources = 128
        /// Posts of one model's history that are shown, newest first.
        public static let historyEntries = 1000
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
        /// Versions of one key chain, beaten branches included, beyond which only rotations are taken.
        public static let keyChainVersions = 1024
        /// Versions of one key chain in all. The room above `keyChainVersions` is what a thief of root keys cannot fill.
        public static let keyChainRotations = 2048
        /// Files of one release.
        public static let releaseFiles = 128
        /// Images of one image post.
        public static let images = 20
        /// Mirrors named by one release.
        public static let mirrors = 32
        /// Life of a channel post.
        public static let channelSeconds: UInt64 = 90 * 86400
        /// A deleted post keeps its payload so long, in case its deleting key turns out to be stolen.
        public static let deletedPayloadSeconds: UInt64 = 30 * 86400
    }

    /// What people keep their keys in.
    public enum KeyFile {
        /// A key file with the key documents that go along with it.
        public static let bytes = 4 << 20
    }

    /// Posts whose key chain is not known yet wait for it.
    public enum Parking {
        public static let seconds: UInt64 = 600
        public static let bytesPerPeer = 4 << 20
        /// Of all peers together: node ids are free.
        public static let bytes = 64 << 20
    }

    /// Node-to-node routes.
    public enum Wire {
        /// A request or reply body of the `/w/1/` routes, after decompression.
        public static let bodyBytes = 1 << 20
        /// The reply of `/w/1/blobs/{sha256}/pieces`, the one body over `bodyBytes`: 32 bytes a MiB of the largest blob.
        public static let piecesBytes = 34 << 20
        public static let idsPerGet = 1000
        /// Units of an upload that come in one request.
        public static let uploadUnits = 8
        public static let hashesPerHave = 1000
        /// Small blobs of one request, and bytes of them that one is asked for, well below `bodyBytes`.
        public static let blobsPerGet = 256
        public static let blobsPerGetBytes: UInt64 = 768 << 10
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
        public static let noncesPerKey = 1 << 16
    }

    /// Finding and dialling other nodes.
    public enum Dialling {
        /// Addresses that one name may resolve to.
        public static let addresses = 64
    }

    /// Queries of the catalog.
    public enum Catalog {
        /// Items of one page of any list.
        public static let pageItems = 200
        /// Items that a page given by its number may skip; cursors have no such end.
        public static let pageOffset = 10_000
        /// Releases of one model and images of one release inside a view.
        public static let releasesPerModel = 100
        public static let imagesPerRelease = 20
        /// Releases of one image post that it is listed under.
        public static let releasesPerImagePost = 32
        /// Ids, types or base models named by one query.
        public static let valuesPerFilter = 100
        /// Hashes looked up at once, and releases that one hash may answer with.
        public static let hashesPerLookup = 10_000
        public static let releasesPerHash = 20
        /// Files looked at for one hash claim; an abbreviated hash may fit many.
        public static let filesPerHash = 1000
        /// A set of images up to this size is sorted; a larger one is walked in order.
        public static let sortedSet = 1500
        /// Models that one search considers, newest known first, and words of it that count.
        public static let searchMatches = 2000
        public static let searchWords = 8
        /// Models that the counts beside a query's filters are taken from.
        public static let countedModels = 1000
        /// Values of one kind beside the filters of a query.
        public static let facetValues = 50
        /// Posts named as showing a blob.
        public static let postsPerBlob = 20
        /// Different reactions shown with one subject, and those of one person on it.
        public static let reactions = 8
        public static let ownReactions = 64
        /// Posts of one model, collection, article or workflow, newest known first, whose talk is shown together.
        public static let versions = 100
        /// Collections of one post, and replies to one comment, that are counted; a larger number shows as this one.
        public static let countedMentions = 1000
        /// Replies shown with one top comment, those of a page together, and how deep they are set in.
        public static let repliesPerThread = 50
        public static let repliesPerPage = 1000
        public static let replyDepth = 8
        /// Comments that a comment on a comment on a … is followed through to what it is about.
        public static let subjectDepth = 8
        /// Items of a collection that are looked at for a picture of it.
        public static let coverItems = 8
        /// Files looked at for one abbreviated hash, and releases for one full hash, of a recipe.
        public static let filesPerResource = 64
        /// What a release says it was made from, and what an image post says it is a remix of.
        public static let parents = 64
        public static let remixedPosts = 8
        /// Releases and images of one lineage, how far up and down it goes, and descendants that are counted.
        public static let lineageLinks = 50
        public static let ancestorDepth = 6
        public static let descendantDepth = 3
        public static let countedDescendants = 1000
        /// Rows of one step through everything that could be mirrored.
        public static let mirrorBatch = 1000
    }

    /// Moderation decisions.
    public enum Moderation {
        /// Bits of 256 that may differ for two pictures to be the same one (PDQ's own threshold).
        public static let pictureDistance = 31
        /// Least quality of a picture that is compared: flat ones have hashes that mean nothing.
        public static let pictureQuality = 50
        public static let subjectsPerPurge = 10_000
        public static let reasonBytes = 1024
    }

    /// Lists of others, labels and appeals (`Limits+Moderation.swift` has what a node does with them).
    public enum Lists {
        /// A list's short name, so that a slot holds it with any subject.
        public static let slugBytes = 40
        /// A domain or a phrase.
        public static let subjectTextBytes = 76
        public static let labelBytes = 32
        public static let codeBytes = 64
        public static let caseBytes = 64
        public static let detailBytes = 4096
        public static let saltBytes = 16...32
        /// Subjects of one purge that is published.
        public static let purgeSubjects = 1000
        /// The gravest severity.
        public static let severity: UInt32 = 4
    }

    /// Checkpoints: which posts of lost and compromised keys stay.
    public enum Checkpoint {
        /// The ids of one: a million.
        public static let bytes = 32 << 20
        /// Those of an author who has earned no room here.
        public static let strangerBytes = 64 << 10
        /// Lists that one peer may bring in a day.
        public static let bytesPerPeer: UInt64 = 8 << 20
        /// Ids of all checkpoints together that a node holds in memory.
        public static let idsInMemory = 4 << 20
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
        /// Quotes and lists within each other in Markdown; deeper ones are text.
        public static let markdownDepth = 6
        /// Marks of emphasis, and brackets, that are open at a time in Markdown.
        public static let markdownMarks = 16
        /// A sample picture.
        public static let sampleBytes = 64 << 20
    }

    /// What a node serves over HTTP.
    public enum Gateway {
        /// All header fields of a request, and one of them.
        public static let headerBytes = 32 << 10
        public static let headers = 128
        /// Parameters of one query.
        public static let queryParameters = 64
        /// A request body that is not here after so long is given up.
        public static let bodySeconds: Int64 = 60
        /// A reader that takes nothing for so long is cut.
        public static let stallSeconds: Int64 = 120
        /// A body that goes on after its request was answered is taken so long, that the sender may read the answer.
        public static let lingerSeconds: Int64 = 5
        /// Bytes of answers that are kept for visitors who ask the same again, in each of two places, and how long one is kept
        /// that says what is so at a time of day. About 10,000 look-ups by hash have room.
        public static let answersBytes = 96 << 20
        public static let answerSeconds: UInt64 = 30
        /// Names under which clients ask that are kept read.
        public static let knownBases = 256
        /// Pages, small pictures on them, and answers of other sites' APIs, a minute to one address.
        public static let requestsPerAddress = 6000
        /// Connections of one address.
        public static let connectionsPerAddress = 128
        /// Bytes of pictures whose metadata are being taken out, or that are being sent without them, and how long sending
        /// one may take.
        public static let pictureBytes = 256 << 20
        public static let pictureSeconds: Int64 = 300
        /// Bytes of a file handed to the kernel at a time.
        public static let sendfileBytes: UInt64 = 4 << 20
        /// Bytes of a file held in memory at a time where the kernel cannot send it.
        public static let chunkBytes: UInt64 = 256 << 10
        /// Blobs that a peer may begin to upload a day.
        public static let uploadsPerPeer = 10_000
        /// Parts that one request may ask for; more is answered with the whole.
        public static let ranges = 32
        /// Parts with less than this between them are sent as one: a part of its own costs about as much.
        public static let rangeGap: UInt64 = 256
        /// A torrent or Metalink whose hashes take longer is answered with "try again"; what is done is kept.
        public static let pieceSeconds: Int64 = 20
        /// Streams of one peer, and of all peers.
        public static let streamsPerPeer = 4
        public static let streams = 128
        /// Log lines that a stream reads at a time, and the bytes that it hands to the socket at a time.
        public static let streamLines = 256
        public static let streamWriteBytes = 256 << 10
        /// Newest frames kept for all readers of the stream together.
        public static let recentFrames = 4096
        /// Key documents that a caller may introduce itself with.
        public static let introducedDocuments = 16
        /// Node keys of one caller that a signature is tried against.
        public static let nodeKeys = 8
        /// Ids that reconciliation of one author or list covers.
        public static let builtScopeIDs = 100_000
        /// Addresses in the answer of `/w/1/peers`.
        public static let peerAddresses = 100
        /// Cards on a page.
        public static let cards = 48
        /// Items of a section that has a page of its own.
        public static let sectionItems = 12
        /// Reviews, comments or articles on a page.
        public static let texts = 20
        /// Values of a facet that a filter offers.
        public static let facetValues = 12
        /// Bytes of a file that is sent to be checked.
        public static let checkedBytes: UInt64 = 32 << 30
        /// Files that are checked at a time.
        public static let checked = 8
        /// Bytes a second that whoever sends one must bring on average.
        public static let checkedPace: UInt64 = 64 << 10
        /// Bytes of the rules that an operator writes.
        public static let rulesBytes = 64 << 10
        /// Values of a facet beside what a search found.
        public static let searchFacets = 8
        /// The body of a form without files: the longest text, each byte of it escaped, and what stands beside it.
        public static let formBytes = 256 << 10
        /// Names of a list of tags or base models on a page.
        public static let names = 120
    }
}
