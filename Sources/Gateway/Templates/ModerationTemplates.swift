extension Templates {
    /// Somebody reports something.
    static let report = """
        {{>head}}
        <section class="reading">
        <div class="top"><h1>[[report-something]]</h1>
        <p class="by">[[moderators-of-this-node-read-it]] \
        <a href="/report/likeness?about={{about}}">[[ask-for-it-to-be-taken]]</a>.</p></div>
        {{>form}}
        </section>
        {{>foot}}
        """

    /// Somebody asks for something to be taken down, without an account.
    static let takedown = """
        {{>head}}
        <section class="reading">
        <div class="top"><h1>[[ask-for-something-to-be-taken]]</h1>
        <p class="by">[[for-pictures-of-you-intimate-images]] \
        [[copies-of-the-same-file-are]]</p></div>
        {{>form}}
        <p class="by"><a href="/verify">[[find-the-hash-of-a-file]]</a></p>
        </section>
        {{>foot}}
        """

    /// What somebody gets who reported something or asked for it to be taken down.
    static let receipt = """
        {{>head}}
        <section class="prose">
        <h1>{{number}}</h1>
        {{#isNew}}<p role="status">[[it-is-in-the-queue]]{{#deadline}}, [[and-will-be-decided-by]] <time datetime="{{.}}">{{.}}</time>{{/deadline}}.</p>{{/isNew}}
        {{^isNew}}<p role="status">[[you-reported-this-before-it-is]]</p>{{/isNew}}
        {{#statusHref}}<p>[[this-address-shows-how-it-stands]]</p>
        <p><a href="{{.}}">{{.}}</a></p>{{/statusHref}}
        </section>
        {{>foot}}
        """

    /// How a request stands.
    static let casestatus = """
        {{>head}}
        <section class="prose">
        <h1>{{number}}</h1>
        {{#trouble}}<p class="error" role="alert" id="trouble">{{.}}.</p>{{/trouble}}
        <p><strong>{{word}}.</strong></p>
        <p class="by">[[asked]] <time datetime="{{opened}}">{{opened}}</time>{{#deadline}} · [[to-be-decided-by]] <time datetime="{{.}}">{{.}}</time>{{/deadline}}\
        {{#appeal}} · [[appeal]] {{.}}{{/appeal}}</p>
        {{#letter}}<p class="quote">{{.}}</p>{{/letter}}
        {{#canAppeal}}<form action="{{statusHref}}" method="post">
        <p class="field"><label for="text">[[is-this-wrong-you-can-answer]]</label>\
        <textarea id="text" name="text" rows="5" required maxlength="16000"></textarea></p>
        <p><button class="quiet button">[[appeal-2]]</button></p></form>{{/canAppeal}}
        </section>
        {{>foot}}
        """

    /// What a node says in public of how it moderates.
    static let transparency = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>[[transparency]]</h1><p class="by"><a href="/rules">[[the-rules]]</a> · <a href="/report/likeness">[[ask-for-something-to-be-taken]]</a></p></div>
        <section class="part" aria-labelledby="facts"><h2 id="facts">[[how-it-stands]]</h2>{{>factlist}}
        <p class="by">[[each-decision-is-a-leaf-of]]</p></section>
        <section class="part" aria-labelledby="decisions"><h2 id="decisions">[[decisions]]</h2>
        {{#hasCounts}}<table><thead><tr><th scope="col">[[month]]</th><th scope="col">[[decision]]</th><th scope="col">[[reason]]</th><th scope="col">[[number]]</th></tr></thead>
        <tbody>{{#counts}}<tr><td>{{month}}</td><td>{{action}}</td><td>{{reason}}</td><td>{{count}}</td></tr>{{/counts}}</tbody></table>{{/hasCounts}}
        {{^hasCounts}}<p>[[none-yet]]</p>{{/hasCounts}}</section>
        <section class="part" aria-labelledby="lists"><h2 id="lists">[[lists-in-force]]</h2>
        {{#hasLists}}<ul class="rows">{{#lists}}<li><code>{{list}}</code><p class="by">{{how}}</p></li>{{/lists}}</ul>{{/hasLists}}
        {{^hasLists}}<p>[[this-node-follows-no-list-of]]</p>{{/hasLists}}</section>
        </article>
        {{>foot}}
        """

    /// What waits for a decision.
    static let queue = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>[[moderation]]</h1><p class="by">{{counts}}{{#reasons}} · {{.}}{{/reasons}} · <a href="/levels/disputes">[[levels-in-dispute]]</a></p>{{>tabs}}</div>
        {{#hasCases}}<ul class="rows">{{#cases}}<li><a href="{{caseHref}}">{{caseNumber}} <bdi>{{caseSubject}}</bdi></a> \
        {{#isUrgent}}<span class="badge">{{caseUrgency}}</span>{{/isUrgent}}{{#hasAppeal}} <span class="badge">[[appeal]]</span>{{/hasAppeal}}
        <p class="by">{{caseReason}} · {{caseReports}} · {{caseState}} · {{caseAssigned}} · \
        {{#caseDeadline}}[[by-2]] <time datetime="{{.}}">{{.}}</time>{{/caseDeadline}}{{^caseDeadline}}[[since]] <time datetime="{{caseOpened}}">{{caseOpened}}</time>{{/caseDeadline}}</p></li>{{/cases}}</ul>{{/hasCases}}
        {{^hasCases}}<section class="empty"><p>[[nothing-waits]]</p></section>{{/hasCases}}
        </article>
        {{>foot}}
        """

    /// One case.
    static let moderationCase = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>{{caseNumber}} <bdi>{{caseSubject}}</bdi></h1>
        <p class="by">{{caseReason}} · {{caseReports}} · {{caseState}} · {{caseAssigned}}\
        {{#caseDeadline}} · [[by-2]] <time datetime="{{.}}">{{.}}</time>{{/caseDeadline}}{{#isUrgent}} · <span class="badge">{{caseUrgency}}</span>{{/isUrgent}}</p>
        <p class="row"><a class="quiet button" href="/moderation">[[queue]]</a>{{#previousHref}}<a class="quiet button" href="{{.}}" accesskey="k">[[before]]</a>{{/previousHref}}\
        {{#nextHref}}<a class="quiet button" href="{{.}}" accesskey="j">[[next]]</a>{{/nextHref}}{{#page}}<a class="quiet button" href="{{.}}">[[look-at-it]]</a>{{/page}}</p></div>
        {{#trouble}}<p class="error" role="alert" id="trouble">{{.}}.</p>{{/trouble}}
        {{^isDecided}}<form class="row" action="/moderation/{{caseNumber}}" method="post">\
        <button class="quiet button" name="do" value="assign" accesskey="a">[[assign-to-me]]</button>\
        {{^isHidden}}<button class="quiet button" name="do" value="hide" accesskey="h">[[hide-now-decide-later]]</button>{{/isHidden}}</form>{{/isDecided}}
        <section class="part" aria-labelledby="reports"><h2 id="reports">[[what-was-said]]</h2>
        <ul class="rows">{{#reports}}<li><b>{{reportReason}}</b> <bdi>{{reportText}}</bdi><p class="by"><bdi>{{reporter}}</bdi>{{#reportContact}} · <bdi>{{.}}</bdi>{{/reportContact}} · \
        <time datetime="{{reportAt}}">{{reportAt}}</time></p></li>{{/reports}}</ul>
        {{#hasFiles}}<ul class="plain">{{#files}}<li><a href="{{fileHref}}" download><bdi>{{fileName}}</bdi></a> {{fileSize}} <code>{{fileHash}}</code></li>{{/files}}</ul>{{/hasFiles}}
        <p class="by">{{#maker}}[[made-by]] <code>{{.}}</code>, [[strikes-in-a-year]] {{strikes}}.{{/maker}}{{#earlier}} [[earlier-cases]] {{.}}.{{/earlier}}</p></section>
        {{#decided}}<section class="part" aria-labelledby="decision"><h2 id="decision">[[decision]]</h2><p>{{.}}</p></section>{{/decided}}
        {{#canUndo}}<form action="/moderation/{{caseNumber}}" method="post"><p class="field"><label for="undo-why">[[why-it-is-taken-back]]</label>\
        <input id="undo-why" name="why" maxlength="1000"></p><p><button class="quiet button" name="do" value="undo">[[take-it-back]]</button></p></form>{{/canUndo}}
        {{#appealText}}<section class="part" aria-labelledby="appeal"><h2 id="appeal">[[appeal-2]]</h2><p class="quote">{{.}}</p>{{#appealOutcome}}<p>{{.}}</p>{{/appealOutcome}}\
        {{#appealOpen}}<form action="/moderation/{{caseNumber}}" method="post"><p class="field"><label for="answer-why">[[answer-on-the-record]]</label>\
        <textarea id="answer-why" name="why" rows="3" required maxlength="16000"></textarea></p>\
        <p class="row"><button class="button" name="do" value="uphold">[[uphold-it-is-as-before]]</button><button class="quiet button" name="do" value="reject">[[reject]]</button></p></form>{{/appealOpen}}</section>{{/appealText}}
        <form action="/moderation/{{caseNumber}}" method="post">
        <section class="part" aria-labelledby="spread"><h2 id="spread">[[how-far-it-reaches]]</h2>
        {{#spread}}<details><summary>{{setTitle}}</summary><ul class="plain">{{#setSubjects}}<li><code>{{.}}</code></li>{{/setSubjects}}</ul></details>
        {{^isDecided}}<p class="choice"><input type="checkbox" id="set-{{setName}}" name="set" value="{{setName}}"{{#isNamed}} checked{{/isNamed}}><label for="set-{{setName}}">[[decide-for-these]]</label></p>{{/isDecided}}{{/spread}}
        {{#hasHolders}}<p class="by">[[nodes-that-say-they-have-copies]] {{#holders}}<code>{{.}}</code> {{/holders}}</p>{{/hasHolders}}</section>
        {{^isDecided}}<section class="part" aria-labelledby="decide"><h2 id="decide">[[decide]]</h2>
        <p class="field"><label for="letter">[[letter]]</label><textarea id="letter" name="letter" rows="3" maxlength="16000">{{letter}}</textarea></p>
        <p class="field"><label for="maker">[[letter-to-whoever-made-it]]</label><textarea id="maker" name="maker" rows="3" maxlength="16000">{{makerLetter}}</textarea></p>
        <p class="choice"><input type="checkbox" id="tell" name="tell" value="yes" checked><label for="tell">[[tell-nodes-that-listen-to-us]]</label></p>
        <p class="row"><button class="button" name="do" value="block" accesskey="t">[[take-it-down]]</button><button class="quiet button" name="do" value="keep">[[keep-it]]</button></p>
        <p class="choice"><input type="checkbox" id="sure" name="sure" value="yes"><label for="sure">[[i-am-sure-that-it-is]]</label></p>
        <p><button class="quiet button" name="do" value="purge">[[delete-for-good]]</button></p></section>{{/isDecided}}
        </form>
        {{#hasAcks}}<section class="part" aria-labelledby="acks"><h2 id="acks">[[other-nodes]]</h2><ul class="rows">{{#acks}}<li>{{ackOutcome}} <code>{{ackNode}}</code>\
        <p class="by"><time datetime="{{ackAt}}">{{ackAt}}</time></p></li>{{/acks}}</ul></section>{{/hasAcks}}
        <section class="part" aria-labelledby="audit"><h2 id="audit">[[what-was-done]]</h2><ul class="rows">{{#audit}}<li>{{auditAction}} {{auditAfter}}\
        <p class="by"><bdi>{{auditActor}}</bdi> · <time datetime="{{auditAt}}">{{auditAt}}</time></p></li>{{/audit}}</ul></section>
        </article>
        {{>foot}}
        """
}
