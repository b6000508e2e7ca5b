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
        {{^hasCreators}}<section class="empty"><p>[[no-creator-of-a-model-that]]</p>\
        <p><a class="button" href="/">[[to-the-front-page]]</a></p></section>{{/hasCreators}}
        {{>pager}}
        {{>foot}}
        """

    /// A person with what they published.
    static let creator = """
        {{>head}}
        <div class="top person">
        {{#avatar}}<img class="avatar" src="{{.}}" width="96" height="96" alt="[[avatar-of]]">{{/avatar}}
        <div>
        <h1><bdi>{{heading}}</bdi></h1>
        <p class="by">{{handle}}{{#home}} · [[at-home-on]] <a href="{{.}}" rel="nofollow noopener ugc">{{homeHost}}</a>{{/home}}\
        {{#facts}} · {{.}}{{/facts}}{{#tipHref}} · <a href="{{.}}">[[tip]]</a>{{/tipHref}}</p>
        {{#keys}}{{#first()}}<p class="by">[[signs-with]] {{/first()}}{{^first()}}, {{/first()}}[[key]] <code>{{keyStart}}</code>\
        {{#keyLabel}} (<bdi>{{.}}</bdi>){{/keyLabel}}{{#keySince}} [[since]] <time datetime="{{.}}">{{.}}</time>{{/keySince}}\
        {{#last()}}</p>{{/last()}}{{/keys}}
        {{#areKeysDisputed}}<p role="note">[[disputed-keys-two-successors-of-this]]</p>{{/areKeysDisputed}}
        {{#followAction}}<form action="{{.}}" method="post"><p><button class="button" name="do" value="{{followDoes}}">{{followSends}}</button></p></form>{{/followAction}}\
        {{#editHref}}<p><a class="quiet button" href="{{.}}">[[change-your-profile]]</a></p>{{/editHref}}
        </div>
        </div>
        {{#about}}<div class="prose part">{{{.}}}</div>{{/about}}
        {{#links}}{{#first()}}<ul class="words part" aria-label="[[links]]">{{/first()}}\
        <li><a href="{{linkHref}}" rel="me nofollow noopener ugc">{{linkText}}</a></li>{{#last()}}</ul>{{/last()}}{{/links}}
        {{#hasModels}}<section class="part" aria-labelledby="their-models"><h2 id="their-models">[[models]]</h2>
        <ul class="feed">{{#models}}{{>card}}{{/models}}</ul>
        {{#allModels}}<p class="more"><a class="quiet button" href="{{.}}">[[all-models]]</a></p>{{/allModels}}</section>{{/hasModels}}
        {{#hasImages}}<section class="part" aria-labelledby="their-images"><h2 id="their-images">[[images]]</h2>
        <ul class="feed">{{#images}}{{>card}}{{/images}}</ul>
        {{#allImages}}<p class="more"><a class="quiet button" href="{{.}}">[[all-images]]</a></p>{{/allImages}}</section>{{/hasImages}}
        {{#hasCollections}}<section class="part" aria-labelledby="their-collections"><h2 id="their-collections">[[collections]]</h2>
        <ul class="feed">{{#collections}}{{>card}}{{/collections}}</ul>
        {{#allCollections}}<p class="more"><a class="quiet button" href="{{.}}">[[all-collections]]</a></p>{{/allCollections}}</section>{{/hasCollections}}
        {{#hasArticles}}<section class="part" aria-labelledby="their-articles"><h2 id="their-articles">[[articles-and-workflows]]</h2>\
        {{>articlerows}}</section>{{/hasArticles}}
        {{#hasNothing}}<section class="empty"><p>[[nothing-of-theirs-that-you-may]]</p></section>{{/hasNothing}}
        <details><summary>[[author-id]]</summary><p><code class="line">{{authorID}}</code></p></details>
        {{>foot}}
        """

    static let articlerows = """
        <ul class="rows">{{#articles}}<li><a href="{{articleHref}}"><bdi>{{articleTitle}}</bdi></a>\
        <p class="by">[[by-2]] <a href="{{articleAuthorHref}}"><bdi>{{articleAuthor}}</bdi></a> · \
        <time datetime="{{articleDay}}">{{articleDay}}</time></p><p>{{articleStart}}</p></li>{{/articles}}</ul>
        """

    static let articles = """
        {{>head}}
        <div class="top"><h1>{{heading}}</h1></div>
        {{#hasArticles}}{{>articlerows}}{{/hasArticles}}
        {{^hasArticles}}<section class="empty"><p>{{nothing}}</p>\
        <p><a class="button" href="/models">[[look-at-models]]</a></p></section>{{/hasArticles}}
        {{>pager}}
        {{>foot}}
        """

    static let article = """
        {{>head}}
        <article class="reading">
        <div class="top">
        {{#cover}}<img class="cover" src="{{.}}" width="1200" height="500" alt="[[cover-of]]">{{/cover}}
        <h1><bdi>{{heading}}</bdi></h1>
        <p class="by">{{#badges}}<span class="badge">{{.}}</span> {{/badges}}[[by-2]] <a href="{{creatorHref}}"><bdi>{{creator}}</bdi></a>\
        {{#creatorHome}} [[of]] {{.}}{{/creatorHome}} · <time datetime="{{published}}">{{publishedDay}}</time>\
        {{#signature}} · [[signed-with-key]] <code>{{keyStart}}</code>{{/signature}}</p>
        </div>
        <div class="prose">{{{text}}}</div>
        {{#graphHref}}<p class="part">[[download-the-graph-drop-it-on]]</p>{{/graphHref}}
        {{#tags}}{{#first()}}<ul class="words part" aria-label="[[tags]]">{{/first()}}<li><bdi>{{.}}</bdi></li>{{#last()}}</ul>{{/last()}}{{/tags}}
        {{>reactionrow}}
        {{#hasComments}}<section class="part" aria-labelledby="comments"><h2 id="comments">[[comments]]</h2>{{>commentlist}}</section>{{/hasComments}}
        {{>takepart}}
        </article>
        {{>foot}}
        """
}
