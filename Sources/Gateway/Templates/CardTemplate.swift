extension Templates {
    /// A model, an image or a collection in a grid.
    static let card = """
        <li class="card">
        <a href="{{href}}">
        {{#picture}}<img src="{{smallSource}}" width="{{width}}" height="{{height}}" alt="{{alt}}" loading="lazy">{{/picture}}
        {{^picture}}<span class="blank" aria-hidden="true"></span>{{/picture}}
        <span class="what{{^isModel}} plainly{{/isModel}}"><bdi>{{cardTitle}}</bdi></span>
        </a>
        <p class="by">{{#badges}}<span class="badge">{{.}}</span> {{/badges}}<a href="{{cardAuthorHref}}"><bdi>{{cardAuthor}}</bdi></a>\
        {{#cardOrigin}} <span class="from">{{.}}</span>{{/cardOrigin}}\
        {{#cardNote}}<span class="note">{{.}}</span>{{/cardNote}}\
        {{#whyHref}}<a class="note" href="{{.}}" aria-label="Why here? The place of {{cardTitle}}">Why here?</a>{{/whyHref}}</p>
        </li>

        """

    /// A grid of cards.
    static let grid = """
        <ul class="feed">
        {{#cards}}{{>card}}{{/cards}}
        </ul>

        """

    /// The ways on from a page of a list.
    static let pager = """
        {{#hasPager}}<nav class="more" aria-label="Pages">\
        {{#firstPage}}<a class="quiet button" href="{{.}}">Start again</a>{{/firstPage}}\
        {{#nextPage}}<a class="button" rel="next" href="{{.}}">Next</a>{{/nextPage}}</nav>{{/hasPager}}

        """

    /// Rows of links of which one is the present place.
    static let tabs = """
        {{#tabSets}}<nav aria-label="{{tabsLabel}}"><ul class="tabs">{{#tabs}}\
        <li><a href="{{tabHref}}"{{#isCurrent}} aria-current="page"{{/isCurrent}}>{{tabName}}</a></li>\
        {{/tabs}}</ul></nav>{{/tabSets}}

        """

    /// The page that this one stands below.
    static let crumb = """
        {{#crumb}}<p class="crumb"><a href="{{linkHref}}"><bdi>{{linkText}}</bdi></a></p>{{/crumb}}

        """
}
