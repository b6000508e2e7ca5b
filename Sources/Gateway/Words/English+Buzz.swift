extension PageWords {
    /// What pages of currencies, accounts and receipts say that is made in Swift.
    static let englishOfBuzz = """
        # Currencies
        in-circulation = {1} {2} in circulation
        change-by = {1} {2}, {3}
        currencies-that-are-used-on = Currencies that are used on {1}.
        a-currency-and-its-trust = {1} ({2}), a currency. {3}.
        issued = Issued
        burned = Burned
        orders = Orders
        epoch-now = Epoch now
        decided-at = Decided at
        granter = granter
        granters = granters
        at-most-are-issued-in-an-epoch = At most {1} are issued in one epoch of {2} s.
        at-most-are-issued-by-each = At most {1} are issued by each of {2} in one epoch of {3} s.
        nothing-is-issued-ever = Nothing is issued, ever.
        a-reward-is-at-most = Reward {1}: {2}, at most {3} for one person in an epoch.
        buzz-can-be-set-aside-for = Buzz can be set aside for {1} epochs at most.
        nobody-can-freeze-an-account = Nobody can freeze an account or take anything from it; a lost key is a lost account.
        wardens-can-freeze = {1} of {2} wardens can freeze accounts.
        wardens-can-freeze-and-take = {1} of {2} wardens can freeze accounts and take back what is left.
        operators-have-to-agree = {1} of {2} operators have to agree; {3} of them may fail or lie, and the currency goes on. A fork of the log, or a second word about one payment, names whoever signed it.
        one-operator-decides-unwitnessed = One operator decides. The currency dies with that node, and its operator could rewrite it; no other node that is known here has signed that it has not, so only receipts in people's hands would show it.
        one-operator-decides-witnessed = One operator decides. The currency dies with that node, and its operator could rewrite it; {1} signed within a week that it has not, and receipts in people's hands would show it.
        other-node = other node
        other-nodes-2 = other nodes

        # Bounties
        open-2 = open
        pledged = pledged
        paid-2 = paid
        returned = returned
        to-be-paid = to be paid
        to-be-returned = to be returned

        # Accounts in currencies
        an-account-in = An account of {1}.
        balance = Balance
        orders-given = Orders given
        frozen = Frozen
        through-epoch = through epoch {1}
        two-orders-for-one-place = Two orders for one place
        usually-two-devices = {1}: usually two devices; at most one of the two counts

        # Receipts
        receipt = Receipt
        an-order-in = An order in {1}.
        place-in-the-log = Place in the log
        paid = Paid
        is-open-until-epoch = open, expires after epoch {1}
        is-closed-until-epoch = closed, expires after epoch {1}
        it-is-in-the-signed-log = It is in the log of {1} orders that the authority signed.
        no-signed-checkpoint-covers-it = No signed checkpoint that covers it is here yet.
        operators-signed-it = {1} of {2} operators signed it: whoever has the charter checks that alone.
        """
}
