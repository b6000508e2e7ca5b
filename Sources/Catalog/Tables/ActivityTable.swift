extension Projection {
    /// Somebody did something about a model at a time.
    func noteActivity(modelID: Int32, created: Int64, authorID: Int32, change: Int64) throws {}
}
