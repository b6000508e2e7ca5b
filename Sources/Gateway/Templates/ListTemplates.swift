extension Templates {
    /// A grid of cards under a heading.
    static let list = """
        {{>head}}
        <div class="top">
        {{>crumb}}
        <h1><bdi>{{heading}}</bdi></h1>
        {{#lead}}<p class="by">{{.}}</p>{{/lead}}
        {{#leadHTML}}<div class="prose">{{{.}}}</div>{{/leadHTML}}
        {{>tabs}}
        </div>
        {{#hasCards}}{{>grid}}{{/hasCards}}
        {{^hasCards}}<section class="empty"><p>{{nothing}}</p>\
        {{#nothingLink}}<p><a class="button" href="{{linkHref}}">{{linkText}}</a></p>{{/nothingLink}}</section>{{/hasCards}}
        {{>pager}}
        {{>foot}}
        """

    /// Models beside a column of filters.
    static let models = """
        {{>head}}
        <div class="with-filters">
        <div class="top">
        <h1>{{heading}}</h1>
        <p class="by">{{total}} · {{order}}</p>
        {{#active}}{{#first()}}<ul class="words" aria-label="Filters in force">{{/first()}}\
        <li><a href="{{removeHref}}" aria-label="Remove the filter {{activeLabel}}"><bdi>{{activeLabel}}</bdi> \
        <span aria-hidden="true">✕</span></a></li>{{#last()}}</ul>{{/last()}}{{/active}}
        </div>
        <details class="filters">
        <summary>Filter and sort</summary>
        <form action="/models" method="get" aria-label="Filters">
        <p><label for="q">Words</label><input id="q" type="search" name="q" value="{{query}}" maxlength="200"></p>
        <p><label for="sort">Order</label><select id="sort" name="sort">{{#sorts}}\
        <option value="{{optionValue}}"{{#isChosen}} selected{{/isChosen}}>{{optionLabel}}</option>{{/sorts}}</select></p>
        <p><label for="period">Published</label><select id="period" name="period">{{#periods}}\
        <option value="{{optionValue}}"{{#isChosen}} selected{{/isChosen}}>{{optionLabel}}</option>{{/periods}}</select></p>
        {{#groups}}<fieldset><legend>{{groupLabel}}</legend>{{#choices}}<div class="choice">\
        <input type="checkbox" id="{{choiceID}}" name="{{groupName}}" value="{{choiceValue}}"{{#isChosen}} checked{{/isChosen}}>\
        <label for="{{choiceID}}"><bdi>{{choiceLabel}}</bdi>{{#choiceCount}} <span class="by">{{.}}</span>{{/choiceCount}}</label>\
        </div>{{/choices}}</fieldset>{{/groups}}
        <p><label for="tags">Other tags, with commas</label><input id="tags" name="tag" value="{{tagText}}" maxlength="400"></p>
        <p><label for="not">Without the tags</label><input id="not" name="not" value="{{notText}}" maxlength="400"></p>
        <p><label for="by">By the creator</label><input id="by" name="by" value="{{creatorText}}" maxlength="100" \
        autocapitalize="none"></p>
        <p><button class="button">Show models</button></p>
        </form>
        </details>
        <div class="results">
        {{#hasCards}}{{>grid}}{{/hasCards}}
        {{^hasCards}}<section class="empty">{{#isUnfiltered}}<p>No models are here yet. Share one, or follow somebody who does:</p>
        <pre><code>waggle publish my-lora.safetensors --model @me/my-lora --version 1.0
        waggle peer add https://node.example</code></pre>{{/isUnfiltered}}\
        {{^isUnfiltered}}<p>No model here fits all of these filters. Take one away above, or start again.</p>
        <p><a class="button" href="/models">Show all models</a></p>{{/isUnfiltered}}</section>{{/hasCards}}
        {{>pager}}
        </div>
        </div>
        {{>foot}}
        """

    /// What a search found.
    static let search = """
        {{>head}}
        <div class="top">
        <h1><bdi>{{heading}}</bdi></h1>
        {{#corrected}}<p>Nothing fits exactly. Showing results for <strong><bdi>{{.}}</bdi></strong>.</p>{{/corrected}}
        {{#hashHref}}<p>This looks like a hash: <a href="{{.}}">look it up</a>.</p>{{/hashHref}}
        {{#facetRows}}<nav class="row" aria-label="{{facetName}}"><span class="by" aria-hidden="true">{{facetName}}</span>\
        <ul class="words">{{#facetLinks}}<li><a href="{{nameHref}}"><bdi>{{nameText}}</bdi> <span class="by">{{nameCount}}</span></a></li>\
        {{/facetLinks}}</ul></nav>{{/facetRows}}
        {{#filterHref}}<p class="by"><a href="{{.}}">All filters</a></p>{{/filterHref}}
        </div>
        {{#hasCreators}}<section class="part" aria-labelledby="found-creators"><h2 id="found-creators">Creators</h2>{{>people}}</section>{{/hasCreators}}
        {{#hasCards}}<section class="part" aria-labelledby="found-models"><h2 id="found-models">Models</h2>{{>grid}}</section>{{/hasCards}}
        {{#hasCollections}}<section class="part" aria-labelledby="found-collections"><h2 id="found-collections">Collections</h2>
        <ul class="feed">{{#collections}}{{>card}}{{/collections}}</ul></section>{{/hasCollections}}
        {{#hasArticles}}<section class="part" aria-labelledby="found-texts"><h2 id="found-texts">Articles and workflows</h2>\
        {{>articlerows}}</section>{{/hasArticles}}
        {{^isFound}}<section class="empty"><p>Nothing here fits. Try fewer or other words, the name of a creator, or any hash of a file.</p>\
        <p><a class="button" href="/models">Look at all models</a></p></section>{{/isFound}}
        {{^isAsked}}<section class="empty"><p>Type words of a name or a tag, the name of a creator, or any hash of a file \
        into the field above.</p></section>{{/isAsked}}
        {{>pager}}
        {{>foot}}
        """

    /// Tags or base models.
    static let names = """
        {{>head}}
        <div class="top"><h1>{{heading}}</h1></div>
        {{#hasNames}}<ul class="words">{{#names}}<li><a href="{{nameHref}}"><bdi>{{nameText}}</bdi> \
        <span class="by">{{nameCount}}</span></a></li>{{/names}}</ul>{{/hasNames}}
        {{^hasNames}}<section class="empty"><p>No model that you may see has one yet.</p>\
        <p><a class="button" href="/models">Look at all models</a></p></section>{{/hasNames}}
        {{>foot}}
        """

    /// What was found, with who signed it.
    static let matchrows = """
        <ul class="rows">{{#matches}}<li><a href="{{matchHref}}"><bdi>{{matchName}}</bdi></a>\
        <p class="by">{{#matchKey}}signed {{/matchKey}}by <a href="{{matchAuthorHref}}"><bdi>{{matchAuthor}}</bdi></a>\
        {{#matchOrigin}} of {{.}}{{/matchOrigin}}{{#matchKey}} with key <code class="chip">{{.}}</code>{{/matchKey}} · \
        <time datetime="{{matchDay}}">{{matchDay}}</time>{{#matchFile}} · <bdi>{{.}}</bdi>{{/matchFile}}</p></li>{{/matches}}</ul>
        """

    /// What a hash names.
    static let hash = """
        {{>head}}
        <div class="top"><h1>What this hash names</h1>
        <p><code>{{hash}}</code></p>
        <p class="by">{{lead}}</p></div>
        {{>matchrows}}
        {{>foot}}
        """
}
