extension Templates {
    /// The nodes that this one exchanges with, and those that it keeps away.
    static let federation = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>[[other-nodes]]</h1></div>
        <div class="prose"><p>{{summary}}</p></div>
        {{#hasNodes}}<section class="part" aria-labelledby="nodes"><h2 id="nodes">[[exchanging-with]]</h2>
        <ul class="rows">{{#nodes}}<li>{{#nodeHref}}<a href="{{.}}" rel="nofollow noopener ugc"><bdi>{{nodeTitle}}</bdi></a>{{/nodeHref}}\
        {{^nodeHref}}<bdi>{{nodeTitle}}</bdi>{{/nodeHref}}
        <p class="by">{{nodeState}} · [[known-since-score]] {{nodeScore}}</p>\
        {{#nodeError}}<p>[[last-error]] {{.}}</p>{{/nodeError}}
        <details><summary>[[node-id]]</summary><p><code class="line">{{nodeKey}}</code></p></details></li>{{/nodes}}</ul></section>{{/hasNodes}}
        {{^hasNodes}}<section class="empty"><p>[[this-node-exchanges-with-no-other]]</p>\
        <p><a class="button" href="/">[[to-the-front-page]]</a></p></section>{{/hasNodes}}
        {{#hasOperators}}<section class="part" aria-labelledby="operators"><h2 id="operators">[[deciding-in-currencies]]</h2>
        <ul class="rows">{{#operators}}<li>{{#nodeHref}}<a href="{{.}}" rel="nofollow noopener ugc"><bdi>{{nodeTitle}}</bdi></a>{{/nodeHref}}\
        {{^nodeHref}}<bdi>{{nodeTitle}}</bdi>{{/nodeHref}}
        <p class="by"><a href="{{currencyHref}}"><bdi>{{currencyName}}</bdi></a> · {{nodeState}}</p>\
        {{#nodeError}}<p>[[last-error]] {{.}}</p>{{/nodeError}}</li>{{/operators}}</ul></section>{{/hasOperators}}
        {{#hasBlocks}}<section class="part" aria-labelledby="blocks"><h2 id="blocks">[[kept-away]]</h2>
        <ul class="rows">{{#blocks}}<li><code class="line">{{nodeKey}}</code>\
        <p class="by">{{nodeState}} · [[since]] <time datetime="{{nodeSince}}">{{nodeSince}}</time></p>\
        {{#nodeReason}}<p>{{.}}</p>{{/nodeReason}}</li>{{/blocks}}</ul></section>{{/hasBlocks}}
        </article>
        {{>foot}}
        """
}
