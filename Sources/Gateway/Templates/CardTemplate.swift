extension Templates {
    /// A model, an image or a collection in a grid.
    static let card = """
        <li class="card">
        <a href="{{href}}">
        {{#picture}}{{#tint}}<svg class="ph" color="{{.}}" aria-hidden="true"></svg>{{/tint}}{{#isBlurred}}{{^tint}}{{>blank}}{{/tint}}{{/isBlurred}}\
        {{^isBlurred}}<img src="{{smallSource}}" width="{{width}}" height="{{height}}" alt="{{alt}}" loading="lazy">{{/isBlurred}}{{/picture}}
        {{^picture}}{{>blank}}{{/picture}}
        <span class="what{{^isModel}} plainly{{/isModel}}"><bdi>{{cardTitle}}</bdi></span>
        </a>
        <p class="by">{{#badges}}<span class="badge">{{.}}</span> {{/badges}}<a href="{{cardAuthorHref}}"><bdi>{{cardAuthor}}</bdi></a>\
        {{#cardOrigin}} <span class="from">{{.}}</span>{{/cardOrigin}}\
        {{#cardNote}}<span class="note">{{.}}{{#whyHref}} · {{>why}}{{/whyHref}}</span>{{/cardNote}}\
        {{^cardNote}}{{#whyHref}}<span class="note">{{>why}}</span>{{/whyHref}}{{/cardNote}}\
        {{#picture}}{{#isBlurred}}{{>veil}}{{/isBlurred}}{{/picture}}</p>
        </li>

        """

    /// What stands in for a picture that is not there.
    static let blank = """
        <svg class="ph blank" viewBox="-64 -64 192 192" aria-hidden="true"><use href="#comb"/></svg>
        """

    /// That a picture is not shown because the reader wants those of its level blurred, and the way to see it all the same.
    static let veil = """
        <span class="note">[[blurred]] {{levelWord}}{{#unveilHref}} · <a href="{{.}}">[[show]]</a>{{/unveilHref}}</span>
        """

    /// The way to the rule that put a card where it is.
    static let why = """
        <a href="{{whyHref}}" aria-label="[[why-here-the-place-of]]">[[why-here]]</a>
        """

    /// A grid of cards.
    static let grid = """
        <ul class="feed">
        {{#cards}}{{>card}}{{/cards}}
        </ul>

        """

    /// The ways on from a page of a list.
    static let pager = """
        {{#hasPager}}<nav class="more" aria-label="[[pages]]">\
        {{#firstPage}}<a class="quiet button" href="{{.}}">[[start-again]]</a>{{/firstPage}}\
        {{#nextPage}}<a class="button" rel="next" href="{{.}}">[[next]]</a>{{/nextPage}}</nav>{{/hasPager}}

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
