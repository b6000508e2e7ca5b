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
        {{>takepart}}
        {{>foot}}
        """

    /// Models beside a column of filters.
    static let models = """
        {{>head}}
        <div class="with-filters">
        <div class="top">
        <h1>{{heading}}</h1>
        <p class="by">{{total}} · {{order}}</p>
        {{#active}}{{#first()}}<ul class="words" aria-label="[[filters-in-force]]">{{/first()}}\
        <li><a href="{{removeHref}}" aria-label="[[remove-the-filter]]"><bdi>{{activeLabel}}</bdi> \
        <span aria-hidden="true">✕</span></a></li>{{#last()}}</ul>{{/last()}}{{/active}}
        </div>
        <details class="filters">
        <summary>[[filter-and-sort]]</summary>
        <form action="/models" method="get" aria-label="[[filters]]">
        <p><label for="q">[[words]]</label><input id="q" type="search" name="q" value="{{query}}" maxlength="200"></p>
        <p><label for="sort">[[order]]</label><select id="sort" name="sort">{{#sorts}}\
        <option value="{{optionValue}}"{{#isChosen}} selected{{/isChosen}}>{{optionLabel}}</option>{{/sorts}}</select></p>
        <p><label for="period">[[published]]</label><select id="period" name="period">{{#periods}}\
        <option value="{{optionValue}}"{{#isChosen}} selected{{/isChosen}}>{{optionLabel}}</option>{{/periods}}</select></p>
        {{#groups}}<fieldset><legend>{{groupLabel}}</legend>{{#choices}}<div class="choice">\
        <input type="checkbox" id="{{choiceID}}" name="{{groupName}}" value="{{choiceValue}}"{{#isChosen}} checked{{/isChosen}}>\
        <label for="{{choiceID}}"><bdi>{{choiceLabel}}</bdi>{{#choiceCount}} <span class="by">{{.}}</span>{{/choiceCount}}</label>\
        </div>{{/choices}}</fieldset>{{/groups}}
        <p><label for="tags">[[other-tags-with-commas]]</label><input id="tags" name="tag" value="{{tagText}}" maxlength="400"></p>
        <p><label for="not">[[without-the-tags]]</label><input id="not" name="not" value="{{notText}}" maxlength="400"></p>
        <p><label for="by">[[by-the-creator]]</label><input id="by" name="by" value="{{creatorText}}" maxlength="100" \
        autocapitalize="none"></p>
        <p><button class="button">[[show-models]]</button></p>
        </form>
        </details>
        <div class="results">
        {{#hasCards}}{{>grid}}{{/hasCards}}
        {{^hasCards}}<section class="empty">{{#isUnfiltered}}<p>[[no-models-are-here-yet-share]]</p>
        <pre><code>waggle publish my-lora.safetensors --model @me/my-lora --version 1.0
        waggle peer add https://node.example</code></pre>{{/isUnfiltered}}\
        {{^isUnfiltered}}<p>[[no-model-here-fits-all-of]]</p>
        <p><a class="button" href="/models">[[show-all-models]]</a></p>{{/isUnfiltered}}</section>{{/hasCards}}
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
        {{#corrected}}<p>[[nothing-fits-exactly-showing-results-for]] <strong><bdi>{{.}}</bdi></strong>.</p>{{/corrected}}
        {{#hashHref}}<p>[[this-looks-like-a-hash-look]]</p>{{/hashHref}}
        {{#facetRows}}<nav class="row" aria-label="{{facetName}}"><span class="by" aria-hidden="true">{{facetName}}</span>\
        <ul class="words">{{#facetLinks}}<li><a href="{{nameHref}}"><bdi>{{nameText}}</bdi> <span class="by">{{nameCount}}</span></a></li>\
        {{/facetLinks}}</ul></nav>{{/facetRows}}
        {{#filterHref}}<p class="by"><a href="{{.}}">[[all-filters]]</a></p>{{/filterHref}}
        </div>
        {{#hasCreators}}<section class="part" aria-labelledby="found-creators"><h2 id="found-creators">[[creators]]</h2>{{>people}}</section>{{/hasCreators}}
        {{#hasCards}}<section class="part" aria-labelledby="found-models"><h2 id="found-models">[[models]]</h2>{{>grid}}</section>{{/hasCards}}
        {{#hasCollections}}<section class="part" aria-labelledby="found-collections"><h2 id="found-collections">[[collections]]</h2>
        <ul class="feed">{{#collections}}{{>card}}{{/collections}}</ul></section>{{/hasCollections}}
        {{#hasArticles}}<section class="part" aria-labelledby="found-texts"><h2 id="found-texts">[[articles-and-workflows]]</h2>\
        {{>articlerows}}</section>{{/hasArticles}}
        {{^isFound}}<section class="empty"><p>[[nothing-here-fits-try-fewer-or]]</p>\
        <p><a class="button" href="/models">[[look-at-all-models]]</a></p></section>{{/isFound}}
        {{^isAsked}}<section class="empty"><p>[[type-words-of-a-name-or]]</p></section>{{/isAsked}}
        {{>pager}}
        {{>foot}}
        """

    /// Tags or base models.
    static let names = """
        {{>head}}
        <div class="top"><h1>{{heading}}</h1></div>
        {{#hasNames}}<ul class="words">{{#names}}<li><a href="{{nameHref}}"><bdi>{{nameText}}</bdi> \
        <span class="by">{{nameCount}}</span></a></li>{{/names}}</ul>{{/hasNames}}
        {{^hasNames}}<section class="empty"><p>[[no-model-that-you-may-see]]</p>\
        <p><a class="button" href="/models">[[look-at-all-models]]</a></p></section>{{/hasNames}}
        {{>foot}}
        """

    /// What was found, with who signed it.
    static let matchrows = """
        <ul class="rows">{{#matches}}<li><a href="{{matchHref}}"><bdi>{{matchName}}</bdi></a>\
        <p class="by">{{#matchKey}}[[signed]] {{/matchKey}}[[by-2]] <a href="{{matchAuthorHref}}"><bdi>{{matchAuthor}}</bdi></a>\
        {{#matchOrigin}} [[of]] {{.}}{{/matchOrigin}}{{#matchKey}} [[with-key]] <code class="chip">{{.}}</code>{{/matchKey}} · \
        <time datetime="{{matchDay}}">{{matchDay}}</time>{{#matchFile}} · <bdi>{{.}}</bdi>{{/matchFile}}</p></li>{{/matches}}</ul>
        """

    /// What a hash names.
    static let hash = """
        {{>head}}
        <div class="top"><h1>[[what-this-hash-names]]</h1>
        <p><code>{{hash}}</code></p>
        <p class="by">{{lead}}</p></div>
        {{>matchrows}}
        {{>foot}}
        """
}
