extension Templates {
    /// Everything below the main part of a page.
    static let foot = """
        </main>
        <footer>
        <div class="wide-as-main">
        <ul class="links"><li><a href="/about">[[about-2]]</a></li><li><a href="/rules">[[rules]]</a></li><li><a href="/help">[[help]]</a></li>\
        <li><a href="/report/likeness">[[take-something-down]]</a></li><li><a href="/transparency">[[transparency]]</a></li>\
        <li><a href="/verify">[[check-a-file]]</a></li>\
        <li><a href="/status">[[status]]</a></li><li><a href="/tags">[[tags]]</a></li><li><a href="/base">[[base-models]]</a></li>\
        <li><a href="/articles">[[articles]]</a></li><li><a href="/workflows">[[workflows]]</a></li>\
        <li><a href="/bounties">[[bounties]]</a></li>\
        <li><a href="/buzz">[[buzz]]</a></li><li><a href="/federation">[[other-nodes]]</a></li></ul>
        <form class="words" action="/theme" method="post" aria-label="[[colours]]">\
        <button name="theme" value="light">[[light]]</button><button name="theme" value="dark">[[dark]]</button>\
        <button name="theme" value="system">[[as-the-system]]</button></form>
        <p>{{nodeName}} · {{software}} · [[node]] <code>{{nodeID}}</code></p>
        </div>
        </footer>
        </body>
        </html>
        """
}
