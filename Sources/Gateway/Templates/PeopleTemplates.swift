extension Templates {
    /// Creators in rows.
    static let people = """
        <ul class="rows">{{#creators}}<li><a href="{{creatorItemHref}}"><bdi>{{creatorName}}</bdi></a>\
        <p class="by">{{creatorHandle}}{{#creatorOrigin}} · {{.}}{{/creatorOrigin}} · {{creatorCount}}</p></li>{{/creators}}</ul>
        """

    static let creators = """
        {{>head}}
        <div class="top"><h1>{{heading}}</h1></div>
        {{#hasCreators}}{{>people}}{{/hasCreators}}
        {{^hasCreators}}<section class="empty"><p>No creator of a model that you may see is known here yet.</p>\
        <p><a class="button" href="/">To the front page</a></p></section>{{/hasCreators}}
        {{>pager}}
        {{>foot}}
        """

    /// A person with what they published.
    static let creator = """
        {{>head}}
        <div class="top person">
        {{#avatar}}<img class="avatar" src="{{.}}" width="96" height="96" alt="Avatar of {{heading}}">{{/avatar}}
        <div>
        <h1><bdi>{{heading}}</bdi></h1>
        <p class="by">{{handle}}{{#home}} · at home on <a href="{{.}}" rel="nofollow noopener ugc">{{homeHost}}</a>{{/home}}\
        {{#facts}} · {{.}}{{/facts}}{{#tipHref}} · <a href="{{.}}">Tip</a>{{/tipHref}}</p>
        {{#keys}}{{#first()}}<p class="by">Signs with {{/first()}}{{^first()}}, {{/first()}}key <code>{{keyStart}}</code>\
        {{#keyLabel}} (<bdi>{{.}}</bdi>){{/keyLabel}}{{#keySince}} since <time datetime="{{.}}">{{.}}</time>{{/keySince}}\
        {{#last()}}</p>{{/last()}}{{/keys}}
        {{#areKeysDisputed}}<p role="note"><strong>Disputed keys.</strong> Two successors of this person's root keys exist, so \
        somebody else may know them. This node goes by the one that it saw first. Ask the person, by another way, \
        which is real.</p>{{/areKeysDisputed}}
        </div>
        </div>
        {{#about}}<div class="prose part">{{{.}}}</div>{{/about}}
        {{#links}}{{#first()}}<ul class="words part" aria-label="Links">{{/first()}}\
        <li><a href="{{linkHref}}" rel="me nofollow noopener ugc">{{linkText}}</a></li>{{#last()}}</ul>{{/last()}}{{/links}}
        {{#hasModels}}<section class="part" aria-labelledby="their-models"><h2 id="their-models">Models</h2>
        <ul class="feed">{{#models}}{{>card}}{{/models}}</ul>
        {{#allModels}}<p class="more"><a class="quiet button" href="{{.}}">All models</a></p>{{/allModels}}</section>{{/hasModels}}
        {{#hasImages}}<section class="part" aria-labelledby="their-images"><h2 id="their-images">Images</h2>
        <ul class="feed">{{#images}}{{>card}}{{/images}}</ul>
        {{#allImages}}<p class="more"><a class="quiet button" href="{{.}}">All images</a></p>{{/allImages}}</section>{{/hasImages}}
        {{#hasCollections}}<section class="part" aria-labelledby="their-collections"><h2 id="their-collections">Collections</h2>
        <ul class="feed">{{#collections}}{{>card}}{{/collections}}</ul>
        {{#allCollections}}<p class="more"><a class="quiet button" href="{{.}}">All collections</a></p>{{/allCollections}}</section>{{/hasCollections}}
        {{#hasArticles}}<section class="part" aria-labelledby="their-articles"><h2 id="their-articles">Articles and workflows</h2>\
        {{>articlerows}}</section>{{/hasArticles}}
        {{#hasNothing}}<section class="empty"><p>Nothing of theirs that you may see is on this node.</p></section>{{/hasNothing}}
        <details><summary>Author id</summary><p><code class="line">{{authorID}}</code></p></details>
        {{>foot}}
        """

    static let articlerows = """
        <ul class="rows">{{#articles}}<li><a href="{{articleHref}}"><bdi>{{articleTitle}}</bdi></a>\
        <p class="by">by <a href="{{articleAuthorHref}}"><bdi>{{articleAuthor}}</bdi></a> · \
        <time datetime="{{articleDay}}">{{articleDay}}</time></p><p>{{articleStart}}</p></li>{{/articles}}</ul>
        """

    static let articles = """
        {{>head}}
        <div class="top"><h1>{{heading}}</h1></div>
        {{#hasArticles}}{{>articlerows}}{{/hasArticles}}
        {{^hasArticles}}<section class="empty"><p>{{nothing}}</p>\
        <p><a class="button" href="/models">Look at models</a></p></section>{{/hasArticles}}
        {{>pager}}
        {{>foot}}
        """

    static let article = """
        {{>head}}
        <article class="reading">
        <div class="top">
        {{#cover}}<img class="cover" src="{{.}}" width="1200" height="500" alt="Cover of {{heading}}">{{/cover}}
        <h1><bdi>{{heading}}</bdi></h1>
        <p class="by">{{#badges}}<span class="badge">{{.}}</span> {{/badges}}by <a href="{{creatorHref}}"><bdi>{{creator}}</bdi></a>\
        {{#creatorHome}} of {{.}}{{/creatorHome}} · <time datetime="{{published}}">{{publishedDay}}</time>\
        {{#updatedDay}} · changed <time datetime="{{.}}">{{.}}</time>{{/updatedDay}}\
        {{#signature}} · signed with key <code>{{keyStart}}</code>{{/signature}}</p>
        </div>
        <div class="prose">{{{text}}}</div>
        {{#graphHref}}<p class="part"><a class="button" href="{{.}}" download>Download the graph</a> \
        <span class="by"><bdi>{{graphName}}</bdi>, {{graphSize}}; drop it on ComfyUI's window to load it.</span></p>{{/graphHref}}
        {{#tags}}{{#first()}}<ul class="words part" aria-label="Tags">{{/first()}}<li><bdi>{{.}}</bdi></li>{{#last()}}</ul>{{/last()}}{{/tags}}
        {{>reactionrow}}
        {{#hasComments}}<section class="part" aria-labelledby="comments"><h2 id="comments">Comments</h2>{{>commentlist}}</section>{{/hasComments}}
        </article>
        {{>foot}}
        """
}
