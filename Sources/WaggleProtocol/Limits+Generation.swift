extension Limits {
    /// Pictures that this node draws.
    public enum Generation {
        /// A prompt, and a negative prompt.
        public static let promptBytes = 16 << 10
        /// Pixels of a side: what latents and most models of the field can do at all.
        public static let side = 64...4096
        /// Sides are multiples of this: engines round others up without a word, and the picture has another size then.
        public static let sideStep = 64
        /// Pixels of a picture.
        public static let pixels = 4 << 20
        public static let steps = 1...150
        public static let cfgScale = 0.0...30.0
        public static let clipSkip = 1...12
        /// Pictures of one job.
        public static let batch = 1...8
        /// LoRAs of one job, and how strong each may be.
        public static let loras = 16
        public static let loraWeight = -4.0...4.0
        /// What is typed to name a model or LoRA.
        public static let nameBytes = 512
        /// A picture that another is made from.
        public static let initImageBytes = 16 << 20
        /// Seeds are below 2^63: engines take them as signed numbers.
        public static let seedEnd: UInt64 = 1 << 63
        /// Seeds that the node draws are below this, so that they are exact in every program's numbers.
        public static let drawnSeedEnd: UInt64 = 1 << 32

        /// Jobs of one person that wait or run, and of everybody.
        public static let jobsPerPerson = 20
        public static let jobs = 1000
        /// Finished jobs that are kept for a person's history.
        public static let history = 500
        /// How often a job is begun: once more after the engine or the node died under it.
        public static let attempts = 2
        /// Times that an engine may die with the same files before they are put aside.
        public static let crashes = 2
        /// Epochs that a price is put aside at most.
        public static let holdEpochs: Int64 = 7
        /// Seconds that a signed quote holds, and bytes of one.
        public static let quoteSeconds: UInt64 = 3600
        public static let quoteBytes = 16 << 10
        /// Files that are fetched at once because somebody wants to draw with them.
        public static let fetches = 4
        /// Makers of models who share in one job.
        public static let paidMakers = 16
        /// Seconds before a payment that could not be settled is tried again.
        public static let settleSeconds: UInt64 = 30

        /// Seconds that loading may take without a sign, and more for each GB of the model: engines hang on broken files.
        public static let loadSeconds: UInt64 = 30
        public static let loadSecondsPerGigabyte: UInt64 = 10
        /// Seconds without any sign of a job that is drawn, by megapixel of the picture.
        public static let stepSeconds: UInt64 = 300
        /// Seconds of one job in all.
        public static let jobSeconds: UInt64 = 6 * 3600
        /// Seconds that an engine with a loaded model waits for the next job.
        public static let warmSeconds: UInt64 = 300
        /// A request over the web, with a picture to start from in base 64.
        public static let requestBytes = 24 << 20
        /// Jobs of one page of history.
        public static let historyPage = 50
        /// Addresses whose jobs of the day are counted.
        public static let guestAddresses = 100_000
        /// Models and LoRAs that are offered in lists.
        public static let offered = 500
        /// Seconds between two looks of the node at its running jobs.
        public static let tickSeconds: UInt64 = 1
        /// A text that a remote program has to say.
        public static let messageBytes = 1 << 10
        /// Bytes of a picture that an engine hands back.
        public static let pictureBytes: UInt64 = 64 << 20
        /// Bytes of a picture that shows how far one is, and the fewest steps of which there is something to see.
        public static let previewBytes = 1 << 20
        public static let previewSteps = 4
        /// Address space of an engine beside its model, and for each megapixel.
        public static let engineMemory: UInt64 = 3 << 30
        public static let engineMemoryPerMegapixel: UInt64 = 4 << 30
        /// Bytes that are free before an engine is compiled.
        public static let buildBytes: UInt64 = 1 << 30
        /// What a remote program may answer, in all.
        public static let remoteReplyBytes = 128 << 20
        /// A workflow of somebody's own for a remote program.
        public static let workflowBytes = 1 << 20
        /// Seconds between two looks at a remote job.
        public static let remotePollMilliseconds = 500
        /// Bytes read at once when the numbers of an adapter are looked through.
        public static let scanBytes = 4 << 20
    }
}
