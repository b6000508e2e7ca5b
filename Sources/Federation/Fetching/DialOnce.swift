public import AsyncHTTPClient

extension HTTPClient.Configuration {
    /// A server that cannot be reached is told at once: whoever asks has a back-off of their own. The client's would try
    /// again behind their back, and its timer ends the process when the connection was given up meanwhile
    /// (AsyncHTTPClient 1.37, "Backing off a connection that is unknown to us").
    public mutating func dialOnce() {
        connectionPool.retryConnectionEstablishment = false
    }
}
